"""Addresses below /api/integra/v1/, in the LMS and in the aula."""

from django.urls import path

from integra_bridge import views

app_name = "integra_bridge"

urlpatterns = [
    path("handover", views.handover, name="handover"),
    path("outbox", views.pull_outbox, name="outbox"),
]
