"""Verification pages, DID document and status lists."""

from django.urls import URLPattern, URLResolver, path

from . import views

app_name = "credentials"
urlpatterns: list[URLPattern | URLResolver] = [
    path("c/<credential_token:token>", views.credential_page, name="page"),
    path("c/<credential_token:token>.json", views.credential_document, name="document"),
    path("c/<credential_token:token>.jwt", views.credential_ob_jwt, name="ob-jwt"),
    path("c/<credential_token:token>.vc.jwt", views.credential_vc_jwt, name="vc-jwt"),
    path("c/<credential_token:token>.png", views.credential_png, name="png"),
    path("c/<credential_token:token>.svg", views.credential_svg, name="svg"),
    path("c/<credential_token:token>.pdf", views.credential_paper, name="paper"),
    path("status/<slug:key>", views.status_list, name="status-list"),
    path(".well-known/did.json", views.did_document, name="did-document"),
]
