"""How easy a Spanish text reads: the Szigriszt-Pazos index, read on the INFLESZ bands.

    index = 206.835 - 62.3 * (syllables / words) - (words / sentences)

Syllables are counted by rule (vowel groups, split at two strong vowels or at an accented í or ú; the u of que, qui,
gue, gui is silent; a final y is a vowel), because hyphenation patterns count too few. Numerals are dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WORD = re.compile(r"[^\W\d_]+")
SENTENCE_END = re.compile(r"[.!?]+(?=[\s»)\"*]|$)")
SILENT_U = re.compile(r"(?<=[gq])u(?=[eiéí])")
VOWELS = "aeiouáéíóúü"
STRONG = "aeoáéóíú"
HEADING_OR_TABLE = re.compile(r"^\s*(#|\||Tabla: )")
LIST_MARK = re.compile(r"^\s*(>|[-*+]|\d+\.)\s+")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
WORDS_PER_MINUTE = 150


@dataclass(frozen=True, slots=True)
class Measure:
    """What one text amounts to; ``index`` is None for a text without words."""

    words: int
    sentences: int
    syllables: int
    longest_sentence: int

    @property
    def index(self) -> float | None:
        """Return the Szigriszt-Pazos index."""
        if not self.words:
            return None
        return 206.835 - 62.3 * self.syllables / self.words - self.words / self.sentences


def measure(text: str) -> Measure:
    """Return the measure of plain text; every line end is the end of a sentence."""
    sentences = [
        words
        for line in text.split("\n")
        for part in SENTENCE_END.split(line)
        if (words := WORD.findall(part))
    ]
    words = [word for sentence in sentences for word in sentence]
    return Measure(
        words=len(words),
        sentences=len(sentences),
        syllables=sum(count_syllables(word) for word in words),
        longest_sentence=max((len(sentence) for sentence in sentences), default=0),
    )


def plain_text(markdown: str) -> str:
    """Return the sentences of a Markdown text: without headings, tables and marks."""
    kept = [
        LIST_MARK.sub("", line)
        for line in markdown.split("\n")
        if line.strip() and not HEADING_OR_TABLE.match(line)
    ]
    return re.sub(r"[*_`]", "", LINK.sub(r"\1", "\n".join(kept)))


def count_words(markdown: str) -> int:
    """Return how many words a person reads, numbers and tables included."""
    return len(re.findall(r"[\w.,]*\w", re.sub(r"[*_`|#]", " ", LINK.sub(r"\1", markdown))))


def count_syllables(word: str) -> int:
    """Return the syllables of one Spanish word, at least 1."""
    letters = SILENT_U.sub("", word.casefold())
    if letters.endswith("y"):
        letters = letters[:-1] + "i"
    count = 0
    previous = ""
    for letter in letters:
        if letter in VOWELS and (previous not in VOWELS or not previous or _is_hiatus(previous, letter)):
            count += 1
        previous = letter
    return max(count, 1)


def _is_hiatus(first: str, second: str) -> bool:
    return (first in STRONG and second in STRONG) or first in "íú" or second in "íú"
