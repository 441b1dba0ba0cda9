"""One transaction per fact: how every write of the gradebook runs.

The first statement is an UPDATE of the learner's pseudonym row. That is the lock, on every database:
look-then-create, get_or_create and select_for_update all failed under parallel submits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F

from integra_gradebook.errors import GradebookError
from integra_gradebook.models import LearnerPseudonym


class TryAgain(Exception):  # noqa: N818 - a request to the loop below, not an error
    """What this transaction reads is older than what it wrote; the next try sees both."""


P = ParamSpec("P")
R = TypeVar("R")

TRIES = 3
MYSQL_LOCK_ERRORS = {1205, 1213}  # lock wait timeout, deadlock
POSTGRESQL_LOCK_STATES = {"40001", "40P01", "55P03"}  # serialisation failure, deadlock, lock not available


def retried(function: Callable[P, R]) -> Callable[P, R]:
    """Run the whole function again when the database chose it as the victim of a lock.

    An IntegrityError means that somebody else wrote the same thing a moment ago (two learners with one
    uuid, two first places): the next try finds that row and answers or refuses by it.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TRIES - 1):
            try:
                return function(*args, **kwargs)
            except (IntegrityError, TryAgain):
                continue
            except OperationalError as error:
                if not is_lock_error(error):
                    raise
        try:
            return function(*args, **kwargs)
        except TryAgain as error:
            raise GradebookError("busy") from error
        except OperationalError as error:
            if is_lock_error(error):
                raise GradebookError("busy") from error
            raise

    return run


def is_lock_error(error: OperationalError) -> bool:
    state = getattr(error.__cause__, "sqlstate", None) or getattr(error.__cause__, "pgcode", None)
    if state is not None:
        return state in POSTGRESQL_LOCK_STATES
    if error.args and isinstance(error.args[0], int):
        return error.args[0] in MYSQL_LOCK_ERRORS
    return "locked" in str(error)  # SQLite


@contextmanager
def locked(learner_id: int, *, durable: bool = True) -> Iterator[None]:
    """Open the transaction of one fact. Nothing but SQL belongs inside.

    The lock changes nothing: a repeated request leaves the learner's sequence where it was. ``durable``
    makes it a visible error to write a fact inside somebody else's transaction, as Studio's requests are.
    """
    with transaction.atomic(durable=durable):
        LearnerPseudonym.objects.filter(pk=learner_id).update(sequence=F("sequence"))
        yield
