"""The register of certificates: a page of fifty, filtered, with nobody's name in the address."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integra_service.credentials.services import (
    Credential,
    Filters,
    Shown,
    list_credentials,
    list_register,
)
from integra_service.lib.clock import utc_now
from integra_service.lib.days import start_of_day
from integra_service.people.models import City, Person
from integra_service.people.services import Staff, confirmed_names, list_short_codes
from integra_service.web.sessions import people_page
from integra_service.web.wording import SHOWN, name_achievements, tag_of

NARROWING = ("estado", "logro", "ciudad", "desde", "hasta", "hallazgos", "espera")
DATES = [MinValueValidator(date(2020, 1, 1)), MaxValueValidator(date(2099, 12, 31))]


class FilterForm(forms.Form):
    """What the register can be narrowed to."""

    estado = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    logro = forms.ChoiceField(label=gettext_lazy("Achievement"), required=False)
    ciudad = forms.ModelChoiceField(
        queryset=City.objects.none(),
        label=gettext_lazy("City"),
        required=False,
        empty_label=gettext_lazy("All of yours"),
        to_field_name="key",
    )
    desde = forms.DateField(
        label=gettext_lazy("Issued from"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=DATES,
    )
    hasta = forms.DateField(
        label=gettext_lazy("Issued until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=DATES,
    )
    hallazgos = forms.BooleanField(label=gettext_lazy("With differences to look at"), required=False)
    espera = forms.BooleanField(label=gettext_lazy("Waiting for a second person"), required=False)
    despues = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, staff: Staff, names: Sequence[tuple[str, str]]) -> None:
        super().__init__(data, label_suffix="")
        self.fields["estado"].choices = [("", _("All")), *((k.value, v) for k, v in SHOWN.items())]  # type: ignore[attr-defined]
        self.fields["logro"].choices = [("", _("All")), *names]  # type: ignore[attr-defined]
        cities = City.objects.filter(pk__in=staff.city_ids).order_by("name")
        self.fields["ciudad"].queryset = cities  # type: ignore[attr-defined]  # it is a ModelChoiceField
        if len(staff.city_ids) == 1:
            del self.fields["ciudad"]

    def clean(self) -> dict[str, object]:
        first, last = self.cleaned_data.get("desde"), self.cleaned_data.get("hasta")
        if first and last and last < first:
            self.add_error("hasta", _("This date is before the first one."))
        return self.cleaned_data

    def read(self) -> Filters:
        given = self.cleaned_data
        city, last = given.get("ciudad"), given["hasta"]
        return Filters(
            shown=Shown(given["estado"]) if given["estado"] else None,
            achievement_key=given["logro"],
            city_id=None if city is None else city.pk,
            from_at=None if given["desde"] is None else start_of_day(given["desde"]),
            before_at=None if last is None else start_of_day(last + timedelta(days=1)),
            has_finding=given["hallazgos"],
            waits=given["espera"],
        )


@require_GET
@never_cache
@people_page
def credentials(request: HttpRequest, staff: Staff) -> HttpResponse:
    titles = name_achievements()
    form = FilterForm(request.GET, staff, sorted(titles.items(), key=lambda title: title[1]))
    context = {"form": form, "is_narrowed": any(request.GET.get(name) for name in NARROWING)}
    if not form.is_valid():
        return render(request, "integra/credentials.html", context, status=400)
    now = utc_now()
    page = list_register(staff, form.read(), form.cleaned_data["despues"], now)
    context["rows"] = describe_rows(page.rows, titles, now)
    context["next_url"] = make_next(request.GET, page.last)
    context["is_later"] = form.cleaned_data["despues"] is not None
    return render(request, "integra/credentials.html", context)


def describe_rows(
    rows: Sequence[Credential], titles: Mapping[str, str], now: datetime
) -> list[dict[str, object]]:
    """Return what the page shows of each, names and codes fetched in one go."""
    people = [row.person for row in rows]
    names, codes = confirmed_names(people), list_short_codes(people)
    return [
        {
            "credential": row,
            "tag": tag_of(row, now),
            "name": names.get(row.person_id),
            "code": ", ".join(codes.get(row.person_id, ())),
            "title": titles.get(row.achievement_key, row.achievement_key),
        }
        for row in rows
    ]


def describe_own(person: Person, now: datetime) -> list[dict[str, object]]:
    """Return one person's certificates with their states, for the person's page."""
    titles = name_achievements()
    return [
        {
            "credential": row,
            "tag": tag_of(row, now),
            "title": titles.get(row.achievement_key, row.achievement_key),
        }
        for row in list_credentials(person)
    ]


def make_next(query: QueryDict, last: Credential | None) -> str:
    if last is None:
        return ""
    kept = [(name, value) for name, value in query.items() if name != "despues" and value]
    return "?" + urlencode([*kept, ("despues", str(last.uuid))])
