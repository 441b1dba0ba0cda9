"""Pages and machine interface of the web app."""

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularJSONAPIView

from . import (
    account,
    acts,
    api,
    applications,
    console,
    credential,
    credentials,
    keys,
    learner,
    policies,
    runs,
    second_factor,
    sign_in,
    system,
)

app_name = "web"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", system.front, name="front"),
    path("healthz", system.healthz, name="healthz"),
    path("readyz", system.readyz, name="readyz"),
    path("api/v1/events", api.EventsView.as_view(), name="events"),
    path("api/v1/certificate-states", api.CertificateStatesView.as_view(), name="certificate-states"),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("entrar/<str:token>", learner.enter, name="enter"),
    path("mi/", learner.my_page, name="my"),
    path("mi/aviso/", learner.notice_page, name="notice"),
    path("mi/nombre/", learner.name_page, name="name"),
    path("mi/salir/", learner.leave, name="leave"),
    path("consola/", console.home, name="console"),
    path("consola/entrar/", sign_in.sign_in, name="sign-in"),
    path("consola/entrar/cuenta/", sign_in.external_start, name="external-start"),
    path("consola/entrar/cuenta/vuelta/", sign_in.external_return, name="external-return"),
    path("consola/salir/", sign_in.sign_out, name="sign-out"),
    path("consola/clave/<str:uidb64>/<str:token>/", sign_in.set_password_page, name="set-password"),
    path("consola/segundo-factor/", second_factor.second_factor, name="second-factor"),
    path("consola/mi-cuenta/", account.account, name="account"),
    path("consola/mi-cuenta/clave/", account.password, name="password"),
    path("consola/mi-cuenta/segundo-factor/", second_factor.enrol, name="second-factor-enrol"),
    path("consola/mi-cuenta/codigos/", second_factor.recovery_codes, name="recovery-codes"),
    path("consola/personas/", console.people, name="people"),
    path("consola/personas/<uuid:uuid>/", console.person, name="person"),
    path("consola/personas/<uuid:uuid>/residencia/", console.residence_add, name="residence-add"),
    path(
        "consola/personas/<uuid:uuid>/residencia/<uuid:residence_uuid>/",
        console.residence_correct,
        name="residence-correct",
    ),
    path("consola/personas/<uuid:uuid>/postular/", applications.register, name="register-application"),
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
