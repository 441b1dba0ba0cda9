"""Addresses below /api/integra/v1/, in the LMS and in the aula."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
