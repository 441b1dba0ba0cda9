"""Addresses of the embedded classroom."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path, re_path

from integra_aula import views

urlpatterns = [
    path("", views.outline, name="aula_outline"),
    path("entrar/", LoginView.as_view(template_name="integra_aula/login.html"), name="login"),
    path("salir/", LogoutView.as_view(next_page="login"), name="logout"),
    path("unidad/<slug:unit_key>/", views.unit, name="aula_unit"),
    path("jump_to_id/<slug:url_name>", views.jump_to, name="aula_jump"),
    re_path(
        r"^bloque/(?P<usage_id>[\w.\-]+)/(?P<name>\w+)/(?P<suffix>[^/]*)$", views.handler, name="aula_handler"
    ),
    path("recurso/<slug:block_type>/<path:path>", views.resource, name="aula_resource"),
    path("static/<str:name>", views.course_file, name="aula_course_file"),
    path("salud/", views.health, name="aula_health"),
    path("api/integra/v1/", include("integra_bridge.urls")),
]
