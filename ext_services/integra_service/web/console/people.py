"""The staff's pages: finding a person of one's cities, what is known of them."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integra_service.credentials.services import count_waiting
from integra_service.eligibility.services import list_applications, list_policies
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.models import Evidence, Person, ResidenceEpisode, Zone
from integra_service.people.services import (
    Staff,
    access_person,
    access_residence,
    confirmed_name,
    find_people,
    list_residences,
    list_short_codes,
    record_residence,
)
from integra_service.web.progress import describe_courses
from integra_service.web.sessions import people_page, staff_page

from .credentials import describe_own

EVIDENCE_LABELS = {
    Evidence.RENTAL: gettext_lazy("Rental contract"),
    Evidence.UTILITY_BILL: gettext_lazy("Utility bill"),
    Evidence.NEIGHBOUR_LETTER: gettext_lazy("Letter of the neighbourhood"),
    Evidence.SHELTER_LETTER: gettext_lazy("Letter of the shelter"),
    Evidence.SCHOOL: gettext_lazy("School certificate of the children"),
    Evidence.ATTENDANCE: gettext_lazy("Attendance record of the programme"),
    Evidence.STATEMENT: gettext_lazy("Own statement"),
}


class ResidenceForm(forms.Form):
    """Where somebody lived; zones are those of the person's own city."""

    zone = forms.ModelChoiceField(
        queryset=Zone.objects.none(), label=gettext_lazy("Zone"), empty_label=gettext_lazy("Choose")
    )
    from_on = forms.DateField(
        label=gettext_lazy("Since when"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    to_on = forms.DateField(
        label=gettext_lazy("Until when"),
        help_text=gettext_lazy("Leave it empty if they still live there."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    evidence = forms.ChoiceField(
        label=gettext_lazy("How we know"), choices=[("", gettext_lazy("Choose")), *EVIDENCE_LABELS.items()]
    )

    def __init__(
        self, data: QueryDict | None, *, person: Person, initial: dict[str, object] | None = None
    ) -> None:
        super().__init__(data, initial=initial, label_suffix="")
        zones = Zone.objects.filter(city_id=person.city_id).order_by("name")
        self.fields["zone"].queryset = zones  # type: ignore[attr-defined]  # it is a ModelChoiceField


class CorrectionForm(ResidenceForm):
    """A correction says why."""

    reason = forms.CharField(
        label=gettext_lazy("Why it is corrected"),
        help_text=gettext_lazy("For example: the date was misread. No health or migration details."),
        max_length=300,
    )


@require_GET
@never_cache
@staff_page
def home(request: HttpRequest, staff: Staff) -> HttpResponse:
    """Where signing in leads: to the search, or for who keeps the machine alone, to the machine."""
    if staff.sees_people:
        waiting = count_waiting(staff, utc_now()) if staff.is_officer else None
        return render(request, "integra/console_home.html", {"waiting": waiting})
    return redirect("web:machine")


@require_POST
@never_cache
@people_page
def people(request: HttpRequest, staff: Staff) -> HttpResponse:
    """Search. By POST: a name in an address would end in histories and logs."""
    query = request.POST.get("query", "").strip()[:150]
    context = {"query": query, "found": find_people(staff, query) if query else ()}
    return render(request, "integra/console_home.html", context)


@require_GET
@never_cache
@staff_page
def person(request: HttpRequest, staff: Staff, uuid: UUID) -> HttpResponse:
    someone = access_person(staff, uuid)
    residences = list_residences(someone)
    context = {
        "person": someone,
        "name": confirmed_name(someone),
        "short_codes": list_short_codes([someone]).get(someone.pk, ()),
        "courses": describe_courses(someone),
        "certificates": describe_own(someone, utc_now()),
        "residences": [with_label(row) for row in residences],
        "applications": list_applications(staff, someone),
        "policies": list_policies(staff, someone),
        "can_edit": someone.city_id in staff.editable_city_ids,
    }
    return render(request, "integra/person.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@staff_page
def residence_add(request: HttpRequest, staff: Staff, uuid: UUID) -> HttpResponse:
    someone = access_editable(staff, uuid)
    form = ResidenceForm(request.POST or None, person=someone)
    return handle_residence(request, staff, someone, form, None)


@require_http_methods(["GET", "POST"])
@never_cache
@staff_page
def residence_correct(request: HttpRequest, staff: Staff, uuid: UUID, residence_uuid: UUID) -> HttpResponse:
    someone = access_editable(staff, uuid)
    replaced = access_residence(staff, someone, residence_uuid)
    initial = {
        "zone": replaced.zone_id,
        "from_on": replaced.from_on,
        "to_on": replaced.to_on,
        "evidence": replaced.evidence,
    }
    form = CorrectionForm(request.POST or None, person=someone, initial=initial)
    return handle_residence(request, staff, someone, form, replaced)


def handle_residence(
    request: HttpRequest,
    staff: Staff,
    someone: Person,
    form: ResidenceForm,
    replaced: ResidenceEpisode | None,
) -> HttpResponse:
    context = {"person": someone, "form": form, "replaces": replaced, "problem": ""}
    if request.method == "GET":
        return render(request, "integra/residence.html", context)
    if form.is_valid():
        try:
            record_residence(staff, someone, now=utc_now(), replaces=replaced, **form.cleaned_data)
        except RequestError as error:
            context["problem"] = error.message
        else:
            messages.success(request, _("Saved."))
            return redirect("web:person", someone.uuid)
    return render(request, "integra/residence.html", context, status=400)


def access_editable(staff: Staff, uuid: UUID) -> Person:
    """Return a person whose facts this staff member may enter; auditors only read."""
    someone = access_person(staff, uuid)
    if someone.city_id not in staff.editable_city_ids:
        raise NotFoundError
    return someone


def with_label(row: ResidenceEpisode) -> ResidenceEpisode:
    row.label = EVIDENCE_LABELS[Evidence(row.evidence)]  # type: ignore[attr-defined]  # for the template
    return row
