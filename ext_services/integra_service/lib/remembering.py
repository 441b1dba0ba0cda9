"""An answer that costs something, kept for a while in this process."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Remembered(Generic[T]):
    """What ``ask`` said, for ``seconds``; one thread asks at a time, the others wait for what it hears."""

    ask: Callable[[], T]
    seconds: float
    clock: Callable[[], float] = time.monotonic
    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: tuple[T, ...] = ()  # none, or the last one
    until: float = -math.inf

    def get(self) -> T:
        with self.lock:
            if not self.answers or self.clock() >= self.until:
                self.answers = (self.ask(),)
                self.until = self.clock() + self.seconds
            return self.answers[0]
