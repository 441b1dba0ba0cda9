"""Where everything answers; ``routes.py`` declares who may call what."""

from django.urls import include, path

urlpatterns = [
    path("", include("integra_service.web.urls")),
    path("", include("integra_service.credentials.urls")),
]

handler400 = "integra_service.lib.failures.bad_request"
handler404 = "integra_service.lib.failures.page_not_found"
handler500 = "integra_service.lib.failures.server_error"
