"""Two tabs, and an erasure beside other work, on a server database: always one consistent end."""

import os
import uuid

import pytest
from service_support import Phone
from test_concurrency import together
from test_erasure import ask, dump_all, names_in
from test_learner_pages import Holder

from integra_service.credentials.models import Credential, CredentialDocument
from integra_service.credentials.services import issue_due
from integra_service.lib.clock import utc_now
from integra_service.people.data_requests import COOLING
from integra_service.people.models import DataRequest, HandoverUse, LearnerIdentity, LegalName
from integra_service.people.services import confirmed_name
from integra_service.people.session import LEARNER_KEY
from integra_service.privacy.erasing import carry_out, work_off

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.skipif("INTEGRA_DATABASE_URL" not in os.environ, reason="needs a server database"),
]
TABS = ("Nombre Uno", "Nombre Dos", "Nombre Tres")


@pytest.fixture
def holder(committed_world):
    return Holder(committed_world)


def test_tabs_that_change_the_name_at_once_end_in_one_name_everywhere(holder):
    phones = [holder.world.a.enter(holder.learner) for _ in TABS]
    answers, errors = together(lambda n: holder.rename(TABS[n], phone=phones[n]), len(TABS))

    assert errors == []
    assert [answer.status_code for answer in answers] == [302] * len(TABS)
    name = confirmed_name(holder.person)
    assert name in TABS
    assert "Coincide" in holder.check(name)
    in_force = CredentialDocument.objects.for_system().filter(replaced_at=None)
    assert in_force.count() == 1
    assert not in_force.get().is_revoked
    former = CredentialDocument.objects.for_system().exclude(replaced_at=None)
    assert set(former.values_list("is_revoked", flat=True)) == {True}
    for other in set(TABS) - {name}:
        assert "Coincide con" not in holder.check(other)
        assert "It matches" not in holder.check(other)


def test_four_tabs_never_change_the_name_a_fourth_time(holder):
    phones = [holder.world.a.enter(holder.learner) for _ in range(6)]
    answers, errors = together(lambda n: holder.rename(f"Nombre {'i' * (n + 1)}", phone=phones[n]), 6)
    assert errors == []
    assert sorted(answer.status_code for answer in answers) == [302] * 3 + [429] * 3


def test_an_erasure_beside_everything_else_leaves_no_name(holder):
    request = ask(holder)
    phones = [holder.world.a.enter(holder.learner) for _ in range(4)]
    later = utc_now() + COOLING

    def work(number):
        match number % 4:
            case 0:
                work_off(later)
            case 1:
                holder.rename(f"Zulmira Canario {number}", phone=phones[number // 4])
            case 2:
                issue_due(
                    LearnerIdentity.objects.for_system().select_related("person", "source").get(), utc_now()
                )
            case _:
                carry_out(request, by="user:1", now=later)

    _, errors = together(work, 16)
    work_off(later)

    assert errors == []
    assert LegalName.objects.count() == 0
    assert names_in(dump_all()) == set()
    assert set(Credential.objects.for_system().values_list("state", flat=True)) == {"erased"}
    assert set(CredentialDocument.objects.for_system().values_list("salt", "name_hash", "body")) == {
        ("", "", "")
    }
    assert set(DataRequest.objects.for_system().values_list("state", flat=True)) == {"done"}


def test_asking_twenty_times_at_once_is_asking_once(holder):
    phones = [holder.world.a.enter(holder.learner) for _ in range(8)]
    fields = {"tipo": "correction", "tema": "city"}
    answers, errors = together(lambda n: phones[n].post("/mi/datos/pedir/", fields).status_code, 8)
    assert (errors, answers) == ([], [302] * 8)
    assert DataRequest.objects.for_system().count() == 1


def test_a_button_pressed_twice_at_once_enters_by_both(holder):
    other = uuid.uuid4()
    link = holder.world.a.link(other)
    holder.phone.get(link)
    phones = [Phone(), Phone()]
    for phone in phones:
        phone.cookies.load({name: morsel.value for name, morsel in holder.phone.cookies.items()})

    answers, errors = together(lambda n: phones[n].post(link), 2)

    assert errors == []
    assert [answer["location"] for answer in answers] == ["/mi/", "/mi/"]
    identity = LearnerIdentity.objects.for_system().get(learner_uuid=other)
    assert [phone.session[LEARNER_KEY] for phone in phones] == [identity.pk] * 2
    assert HandoverUse.objects.count() == 2
