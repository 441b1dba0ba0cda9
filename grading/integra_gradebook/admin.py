"""Django admin of the places: cohorts, who is in them, who facilitates. Facts are not edited here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest
from django.utils import timezone

from integra_gradebook.enrolments import change_enrolment
from integra_gradebook.models import Cohort, Enrolment, FacilitatorRole


@admin.register(Cohort)
class CohortAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the type stubs only
    list_display = ("key", "city_key", "course", "modality", "starts_on", "ends_on")
    list_filter = ("city_key", "modality")
    search_fields = ("key", "course__course_key")

    def get_readonly_fields(self, request: HttpRequest, obj: Cohort | None = None) -> tuple[str, ...]:
        # Events already sent name them; a cohort of another city is another cohort.
        return ("key", "city_key", "course") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Cohort | None = None) -> bool:
        return False


@admin.register(Enrolment)
class EnrolmentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the type stubs only
    """Moves a learner or ends their place; new places come from ``integra_cohorts`` or the first write."""

    list_display = ("learner", "cohort", "status", "route_intended", "enrolled_at")
    list_filter = ("status", "cohort__city_key")
    search_fields = ("learner__short_code", "learner__user__username")
    fields = ("learner", "course", "cohort", "status", "route_intended", "accommodations", "enrolled_at")
    readonly_fields = ("learner", "course", "enrolled_at")
    list_select_related = ("learner", "cohort")

    def get_form(
        self, request: HttpRequest, obj: Enrolment | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Any]]:
        form = super().get_form(request, obj, change, **kwargs)
        cohort = form.base_fields.get("cohort")
        if obj is not None and isinstance(cohort, ModelChoiceField):
            cohort.queryset = Cohort.objects.filter(course_id=obj.course_id)
        return form

    def save_model(
        self, request: HttpRequest, obj: Enrolment, form: ModelForm[Enrolment], change: bool
    ) -> None:
        change_enrolment(
            obj.pk,
            cohort_id=obj.cohort_id,
            status=obj.status,
            route_intended=obj.route_intended,
            accommodations=obj.accommodations,
            now=timezone.now(),
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Enrolment | None = None) -> bool:
        return False


@admin.register(FacilitatorRole)
class FacilitatorRoleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the type stubs only
    list_display = ("user", "cohort", "starts_on", "ends_on")
    list_filter = ("cohort__city_key",)
    search_fields = ("user__username", "cohort__key")
    raw_id_fields = ("user",)
    list_select_related = ("user", "cohort")
