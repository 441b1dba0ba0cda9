"""A URLconf whose two further pages stand behind the guards of officers and operators, for the tests of the guards."""

from django.http import HttpResponse
from django.urls import path

from integra_service.urls import urlpatterns as real_urlpatterns
from integra_service.web.sessions import officer_page, operator_page


@officer_page
def officers(request, staff):
    return HttpResponse(f"officer of {sorted(staff.officer_city_ids)}")


@operator_page
def operators(request, staff):
    return HttpResponse(f"operator of {sorted(staff.operator_city_ids)}")


urlpatterns = [
    *real_urlpatterns,
    path("consola/prueba/oficiales/", officers),
    path("consola/prueba/operadores/", operators),
]
handler404 = "integra_service.lib.failures.page_not_found"
