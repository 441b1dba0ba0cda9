"""Two at once on a server database: one application, one ordinal each, the last proposal from the last facts."""

import os
import threading
from datetime import date, timedelta

import pytest
from django.db import connections, transaction
from service_support import NOW

from integra_service.audit.models import AuditEntry
from integra_service.eligibility import services
from integra_service.eligibility.models import Application, PolicyVersion, ProposalRow
from integra_service.people.models import ResidenceEpisode

from .conftest import DEMO

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.skipif("INTEGRA_DATABASE_URL" not in os.environ, reason="needs a server database"),
]
THREADS = 12


def together(work, count=THREADS):
    """Run ``work(n)`` in threads that start at one moment; return results and errors."""
    barrier, results, errors = threading.Barrier(count), [], []

    def run(number):
        try:
            barrier.wait()
            results.append(work(number))
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results, errors


def ordinals(application):
    rows = ProposalRow.objects.for_system().filter(application=application).order_by("ordinal")
    return list(rows.values_list("ordinal", flat=True))


def test_registering_at_once_is_one_application_with_one_proposal(town):
    results, errors = together(lambda n: town.apply().pk)

    assert (errors, len(set(results))) == ([], 1)
    assert ordinals(Application.objects.for_system().get()) == [1]


def test_publishing_at_once_is_one_version(town):
    raw = DEMO.read_bytes().replace(b"  version: 1", b"  version: 2")
    results, errors = together(
        lambda n: services.register_policy(town.cities["a"], raw, "dos.yaml", now=NOW).pk
    )
    assert (errors, len(set(results))) == ([], 1)
    assert PolicyVersion.objects.for_system().filter(version=2).count() == 1


def test_withdrawing_at_once_is_one_withdrawal(town):
    raw = DEMO.read_bytes().replace(b"  version: 1", b"  version: 2")
    services.register_policy(town.cities["a"], raw, "dos.yaml", now=NOW)
    results, errors = together(lambda n: services.withdraw_policy(town.cities["a"], "DEMO-2026", now=NOW))
    assert (errors, sorted(results)) == ([], [()] * (THREADS - 1) + [(1, 2)])
    assert AuditEntry.objects.filter(action="policy.withdrawn").count() == 2


def test_refreshes_at_once_take_one_ordinal_each(town):
    application = town.apply()

    def change_and_refresh(number):
        town.live_since(
            date(2025, 1, 1) + timedelta(days=31 * number)
        )  # announces, so it refreshes by itself
        services.refresh_proposal(application, now=NOW)

    _, errors = together(change_and_refresh)

    assert errors == []
    taken = ordinals(application)
    assert taken == list(range(1, len(taken) + 1))
    assert len(taken) > 1
    last = services.list_proposals(application)[0].content
    services.refresh_proposal(application, now=NOW)
    assert services.list_proposals(application)[0].content == last


def test_a_refresh_that_waited_does_not_put_older_facts_on_top(town):
    """While one transaction holds the application, another refresh waits; then it must read what was committed."""
    application = town.apply()
    town.live_since(date(2026, 8, 31))
    waiting = threading.Thread(target=refresh_and_close, args=(application,))
    with transaction.atomic():
        Application.objects.for_system().select_for_update().get(pk=application.pk)
        ResidenceEpisode.objects.for_system().update(from_on=date(2025, 3, 1))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
    waiting.join(10)
    assert "1 de marzo de 2025" in str(services.list_proposals(application)[0].content)


def refresh_and_close(application):
    try:
        services.refresh_proposal(application, now=NOW)
    finally:
        connections.close_all()
