"""Rows that change one after the other, locked in one order, so that no two transactions wait for each other.

Whoever holds several took them in this order: what waits for a second person, the person (``people.erasing``), the
credential with its other terms, the first one first, its status lists, the source, the issuer, and last the audit
chain, which ``audit.record`` keeps to the end of the transaction.

Every lock is one "for no key update": the plain one would also stop rows that refer to this one, and their foreign
keys are checked at the commit, when they already hold the audit chain that the holder of this lock takes last.
"""

from django.db.models import QuerySet

from integra_service.people.models import Source

from .models import Credential, Issuer, StatusList


def lock_credential(pk: int) -> Credential:
    """Return the credential as it is now; nobody changes its state or erases it before the transaction ends.

    Nor those of the same person and achievement: which of them the classroom is told of depends on all.
    """
    wanted = Credential.objects.for_system().filter(pk=pk)
    terms = Credential.objects.for_system().filter(
        person__in=wanted.values("person"), achievement_key__in=wanted.values("achievement_key")
    )
    locked = terms.select_related("person").order_by("term").select_for_update(of=("self",), no_key=True)
    return next(term for term in list(locked) if term.pk == pk)


def lock_status_lists(lists: QuerySet[StatusList]) -> list[StatusList]:
    """Return the lists as they are now; nobody publishes them anew before the transaction ends."""
    return list(lists.order_by("pk").select_for_update(no_key=True))


def lock_source(source_id: int) -> None:
    """Let nobody declare the source distrusted before the transaction ends."""
    Source.objects.select_for_update(no_key=True).get(pk=source_id)


def lock_issuer(issuer: Issuer) -> None:
    """Let one change of keys happen after the other, and none while a signature is being stored."""
    Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)
