"""What the compiler refuses: every problem has a place, a stable code and a sentence that says what to write.

The sentences are Spanish because the people who write the course read them; the codes are English and stable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands: a file relative to the folder read, a line from 1, and the key inside the file.

    ``lines`` has the line of every key below, where they are known.
    """

    file: str
    line: int = 1
    path: str = ""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    def at(self, path: str, line: int | None = None) -> Place:
        """Return the place of a key below this one; without a known line, this one's."""
        joined = f"{self.path}.{path}" if self.path and not path.startswith("[") else f"{self.path}{path}"
        return Place(self.file, self.lines.get(path, self.line) if line is None else line, joined)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend."""

    place: Place
    code: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        kind = "aviso: " if self.is_warning else ""
        where = f" {self.place.path}:" if self.place.path else ""
        return f"{self.place}:{where} {kind}{self.message} [{self.code}]"


@dataclass(slots=True)
class Problems:
    """The problems found so far; reading goes on after each one, so that an author sees all at once."""

    _found: set[Problem] = field(default_factory=set)
    _allowed: set[tuple[str, int, str]] = field(default_factory=set)

    def refuse(self, place: Place, code: str, message: str) -> None:
        """Note something that stops the build."""
        self._found.add(Problem(place, code, message))

    def allow(self, place: Place, code: str) -> None:
        """Remember that the author gave a reason for what a warning with ``code`` would say of this line."""
        self._allowed.add((place.file, place.line, code))

    def warn(self, place: Place, code: str, message: str) -> None:
        """Note something an author should look at, unless there is a reason for it; the build goes on."""
        if (place.file, place.line, code) in self._allowed:
            return
        self._found.add(Problem(place, code, message, is_warning=True))

    def has_errors(self) -> bool:
        """Return whether anything stops the build."""
        return any(not problem.is_warning for problem in self._found)

    def has_error_at(self, place: Place) -> bool:
        """Return whether something at exactly ``place`` stops the build."""
        return any(not problem.is_warning and problem.place == place for problem in self._found)

    def has_errors_in(self, *files: str) -> bool:
        """Return whether one of ``files`` was not read completely, so that counts over it mean nothing."""
        return any(not problem.is_warning and problem.place.file in files for problem in self._found)

    def has_errors_under(self, folder: str) -> bool:
        """Return whether a file below ``folder`` was not read completely."""
        return any(
            not problem.is_warning and problem.place.file.startswith(f"{folder}/") for problem in self._found
        )

    def error_count(self) -> int:
        """Return how many problems stop the build."""
        return sum(not problem.is_warning for problem in self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._found))

    def __len__(self) -> int:
        return len(self._found)
