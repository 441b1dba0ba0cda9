"""Pages and machine interface of the web app."""

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularJSONAPIView

from .api import system
from .api import views as api
from .console import (
    account,
    acts,
    applications,
    credential,
    credentials,
    data_requests,
    keys,
    people,
    policies,
    runs,
    second_factor,
    sign_in,
)
from .learner import consents, door, my_data, my_name, my_paper
from .machine import views as machine

app_name = "web"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", system.front, name="front"),
    path("healthz", system.healthz, name="healthz"),
    path("readyz", system.readyz, name="readyz"),
    path("api/v1/events", api.EventsView.as_view(), name="events"),
    path("api/v1/certificate-states", api.CertificateStatesView.as_view(), name="certificate-states"),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("entrar/<str:token>", door.enter, name="enter"),
    path("mi/", door.my_page, name="my"),
    path("mi/aviso/", consents.notice_page, name="notice"),
    path("mi/permisos/", consents.consents_page, name="consents"),
    path("mi/nombre/", my_name.name_page, name="name"),
    path("mi/nombre/revisar/", my_name.review_page, name="name-review"),
    path("mi/datos/", my_data.my_data, name="my-data"),
    path("mi/datos/descargar/", my_data.download, name="download"),
    path("mi/datos/pedir/", my_data.ask_page, name="ask"),
    path("mi/datos/borrar/", my_data.ask_erasure, name="ask-erasure"),
    path("mi/datos/pedidos/<uuid:uuid>/retirar/", my_data.withdraw_request, name="withdraw-request"),
    path("mi/certificado/<credential_token:token>.pdf", my_paper.my_paper, name="my-paper"),
    path("mi/salir/", door.leave, name="leave"),
    path("consola/", people.home, name="console"),
    path("consola/entrar/", sign_in.sign_in, name="sign-in"),
    path("consola/entrar/cuenta/", sign_in.external_start, name="external-start"),
    path("consola/entrar/cuenta/vuelta/", sign_in.external_return, name="external-return"),
    path("consola/salir/", sign_in.sign_out, name="sign-out"),
    path("consola/clave/<str:uidb64>/<str:token>/", sign_in.set_password_page, name="set-password"),
    path("consola/segundo-factor/<str:uidb64>/<str:token>/", second_factor.first_factor, name="first-factor"),
    path("consola/segundo-factor/", second_factor.second_factor, name="second-factor"),
    path("consola/mi-cuenta/", account.account, name="account"),
    path("consola/mi-cuenta/clave/", account.password, name="password"),
    path("consola/mi-cuenta/segundo-factor/", second_factor.enrol, name="second-factor-enrol"),
    path("consola/mi-cuenta/codigos/", second_factor.recovery_codes, name="recovery-codes"),
    path("consola/maquina/", machine.overview, name="machine"),
    path("consola/maquina/detenidos/", machine.parked, name="machine-parked"),
    path("consola/maquina/detenidos/<int:pk>/", machine.parked_event, name="machine-parked-event"),
    path("consola/maquina/detenidos/<int:pk>/reintentar/", machine.retry_one, name="machine-retry"),
    path("consola/maquina/rechazados/", machine.refused, name="machine-refused"),
    path("consola/maquina/rechazados/<int:pk>/", machine.refused_event, name="machine-refused-event"),
    path("consola/maquina/secuencias/", machine.gaps, name="machine-gaps"),
    path("consola/maquina/fuentes/", machine.sources, name="machine-sources"),
    path("consola/maquina/fuentes/<str:key>/", machine.source, name="machine-source"),
    path(
        "consola/maquina/fuentes/<str:key>/comparar/", machine.source_compare, name="machine-source-compare"
    ),
    path("consola/maquina/fuentes/<str:key>/reintentar/", machine.retry_all, name="machine-retry-all"),
    path("consola/maquina/revisiones/<int:pk>/", machine.check, name="machine-check"),
    path("consola/maquina/reglas/", machine.manifests, name="machine-manifests"),
    path("consola/personas/", people.people, name="people"),
    path("consola/personas/<uuid:uuid>/", people.person, name="person"),
    path("consola/personas/<uuid:uuid>/residencia/", people.residence_add, name="residence-add"),
    path(
        "consola/personas/<uuid:uuid>/residencia/<uuid:residence_uuid>/",
        people.residence_correct,
        name="residence-correct",
    ),
    path("consola/personas/<uuid:uuid>/postular/", applications.register, name="register-application"),
    path("consola/solicitudes/", data_requests.waiting, name="data-requests"),
    path("consola/solicitudes/<uuid:uuid>/", data_requests.data_request, name="data-request"),
    path("consola/postulaciones/<uuid:uuid>/", applications.application, name="application"),
    path("consola/postulaciones/<uuid:uuid>/proponer/", applications.propose_again, name="propose-again"),
    path("consola/certificados/", credentials.credentials, name="credentials"),
    path("consola/certificados/<uuid:uuid>/", credential.credential, name="credential"),
    path("consola/certificados/<uuid:uuid>/<slug:word>/", acts.credential_act, name="credential-act"),
    path(
        "consola/certificados/<uuid:uuid>/pedidos/<uuid:act_uuid>/", acts.requested_act, name="requested-act"
    ),
    path(
        "consola/certificados/<uuid:uuid>/hallazgos/<uuid:finding_uuid>/",
        acts.finding_settle,
        name="finding-settle",
    ),
    path("consola/politicas/", policies.policies, name="policies"),
    path("consola/politicas/<slug:key>/proponer/", policies.policy_propose, name="policy-propose"),
    path("consola/politicas/<slug:digest>/aprobar/", policies.policy_approve, name="policy-approve"),
    path("consola/emisiones/", runs.runs, name="runs"),
    path("consola/emisiones/<uuid:uuid>/", runs.run, name="run"),
    path("consola/llaves/", keys.keys, name="keys"),
]
