"""The audit chain: whatever was changed, removed or inserted is found."""

import re

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from service_support import NOW

from integra_service.audit import services as audit
from integra_service.audit.models import AuditEntry, AuditHead

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain():
    for number in range(1, 6):
        audit.record("thing.done", actor="system", subject=f"thing:{number}", now=NOW, data={"n": number})
    return audit.get_head()


@pytest.fixture
def owner():
    """Somebody with every right on the database, for whom the trigger is no obstacle."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER ALL")


def test_a_chain_left_alone_fits(chain):
    assert audit.check_chain(chain) == audit.ChainCheck(True, 5, None)


def test_a_changed_entry_is_found_at_its_place(chain, owner):
    AuditEntry.objects.filter(sequence=3).update(data='{"n":4}')
    assert audit.check_chain().broken_at == 3


def test_a_removed_entry_is_found_at_its_place(chain, owner):
    AuditEntry.objects.filter(sequence=2).delete()
    assert audit.check_chain().broken_at == 2


def test_an_inserted_entry_is_found(chain, owner):
    entry = AuditEntry.objects.get(sequence=5)
    entry.sequence, entry.hash = 6, "0" * 64
    entry.save(force_insert=True)
    assert audit.check_chain().broken_at == 6


def test_a_removed_tail_is_found_by_the_published_head(chain, owner):
    AuditEntry.objects.filter(sequence__gt=3).delete()
    last = AuditEntry.objects.get(sequence=3)
    AuditHead.objects.update(sequence=3, hash=last.hash)

    assert audit.check_chain().is_intact
    assert audit.check_chain(chain).broken_at == 4


def test_a_rewritten_chain_is_found_by_the_published_head(chain, owner):
    entries = list(AuditEntry.objects.order_by("sequence"))
    previous = audit.GENESIS
    for entry in entries:
        entry.action, entry.previous_hash = "thing.forged", previous
        entry.hash = previous = audit.calculate_hash(entry)
    AuditEntry.objects.all().delete()
    AuditEntry.objects.bulk_create(entries)
    AuditHead.objects.update(hash=previous)

    assert audit.check_chain().is_intact
    assert audit.check_chain(chain).broken_at == 5


def test_the_command_prints_the_head_and_takes_it_back(chain, owner, capsys):
    call_command("integra_audit")
    head = re.search(r"Head: (\S+)", capsys.readouterr().out)[1]
    call_command("integra_audit", head=head)
    AuditEntry.objects.filter(sequence=5).update(actor="user:9")
    with pytest.raises(CommandError, match="entry 5"):
        call_command("integra_audit", head=head)


def test_the_head_is_published(chain, client):
    assert client.get("/readyz").json()["audit_head"] == {"sequence": 5, "hash": chain[1]}


@pytest.mark.django_db(transaction=True)
def test_an_entry_needs_the_transaction_of_its_act():
    with pytest.raises(audit.NotInTransactionError):
        audit.record("thing.done", actor="system", subject="thing:1", now=NOW)


@pytest.mark.skipif(
    "INTEGRA_DATABASE_URL" not in __import__("os").environ, reason="the trigger is PostgreSQL's"
)
@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_to_change_an_entry(chain, change):
    entries = AuditEntry.objects.filter(sequence=1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entries.update(actor="user:9") if change == "update" else entries.delete()
    assert AuditEntry.objects.count() == 5
