"""An answer that costs something, kept for a while in this process: also that there is none."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


class StillAskingError(Exception):
    """Another thread asks, and takes its time."""


@dataclass(slots=True)
class Remembered(Generic[T]):
    """What ``ask`` returned, for ``seconds``, or raised, for ``failed_seconds``.

    One thread asks at a time. The others wait for what it hears, but no longer than ``wait_seconds``: what hangs must
    not hold them all.
    """

    ask: Callable[[], T]
    seconds: float
    failed_seconds: float
    wait_seconds: float = 2
    clock: Callable[[], float] = time.monotonic
    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: T | Exception | None = None
    until: float = -math.inf

    def get(self) -> T:
        """Return or raise what is remembered, or StillAskingError."""
        if self.clock() >= self.until:
            if not self.lock.acquire(timeout=self.wait_seconds):
                raise StillAskingError
            try:
                if self.clock() >= self.until:
                    self._renew()
            finally:
                self.lock.release()
        answer = self.answer
        if isinstance(answer, Exception):
            raise answer.with_traceback(None)
        return answer  # type: ignore[return-value]  # asked at least once

    def _renew(self) -> None:
        try:
            self.answer, kept = self.ask(), self.seconds
        except Exception as error:
            self.answer, kept = error, self.failed_seconds
        self.until = self.clock() + kept
