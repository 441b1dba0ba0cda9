"""Words that a text of the course does not use, whatever it says, and how an author states an exception.

    forbidden_word   names people in human mobility as a threat or a crime; «señorita»
    gender_mark      @, x or e in the place of a vowel: no screen reader says it
    money_promise    promises income
    hard_word        officialese that has a plain word (a warning)

A line that must use one of them says so at its end: ``{permite:forbidden_word cita de la Constitución, art. 40}``. The
same works for every warning of the compiler, on the line it names. The mark is taken out before the text is read.

Source: dossier 4.2 and 4.3; UN guidance on inclusive Spanish; UNE 153101:2018.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from integra_course.problems import Place, Problems

WAIVER = re.compile(r"[ \t]*\{permite:([a-z_]+)([^}\n]*)\}")
REASON_LETTERS = 10


@dataclass(frozen=True, slots=True)
class WordRule:
    """One pattern that no line may hold, and what to write instead."""

    code: str
    pattern: re.Pattern[str]
    advice: str
    is_warning: bool = False


def _words(text: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{text})\b", re.IGNORECASE)


_FORBIDDEN = _words(
    r"ilegal(?:es)?|indocumentad[oa]s?|clandestin[oa]s?|invasión|señoritas?|"
    r"(?:ola|oleada|avalancha) (?:migratoria|de (?:migrantes|venezolanos|refugiados))|"
    r"carga (?:social|para el (?:país|estado))"
)
# A name may end in one x (Marx).
_GENDER = re.compile(
    r"(?i:\b[a-záéíóúñ]+@s?(?!\w)|\b[a-záéíóúñ]+[bcdfghjklmnñpqrstvyz]xs\b)|\b[a-záéíóúñ]+[bcdfghjklmnñpqrstvyz]x\b"
)
_PROMISE = _words(
    r"dinero fácil|ganancias? (?:seguras?|garantizadas?)|ingresos? (?:seguros?|garantizados?)|"
    r"(?:te harás|hazte) ric[oa]|"
    r"ganarás|vas a ganar|duplicarás|éxito (?:asegurado|garantizado)|sin ningún riesgo"
)
_PLAIN = {
    "asimismo": "también",
    "no obstante": "pero",
    "por consiguiente": "por eso",
    "con la finalidad de": "para",
    "a fin de": "para",
    "con el objetivo de": "para",
    "llevar a cabo": "hacer",
    "la realización de": "hacer",
    "efectuar": "hacer",
    "en virtud de": "por",
    "dado que": "porque",
    "posteriormente": "después",
    "previamente": "antes",
    "actualmente": "hoy",
    "en caso de que": "si",
    "adquirir": "comprar",
    "abonar": "pagar",
    "el mismo que": "que",
}
RULES = (
    WordRule(
        "forbidden_word",
        _FORBIDDEN,
        "Nombra a las personas con respeto: persona en movilidad humana, refugiada.",
    ),
    WordRule("gender_mark", _GENDER, "Usa una palabra sin marca de género: personas, quienes, clientela."),
    WordRule(
        "money_promise", _PROMISE, "El curso no promete dinero. Di qué se puede hacer y de qué depende."
    ),
    *(
        WordRule("hard_word", _words(word), f"Usa una palabra común: «{plain}».", is_warning=True)
        for word, plain in _PLAIN.items()
    ),
)
# Warnings of other modules that an author may have a reason for.
_WARNINGS = (
    "long_sentence",
    "long_sentences",
    "long_paragraph",
    "hard_to_read",
    "many_terms",
    "long_lesson",
    "reading_minutes",
    "key_too_long",
    "unused_fact",
)
CODES = frozenset((*(rule.code for rule in RULES), *_WARNINGS))


def check_language(text: str, file: str, problems: Problems) -> str:
    """Note every line that uses a word of the rules without an exception; return the text without its exceptions."""
    return "\n".join(
        _check_line(line, Place(file, number), problems)
        for number, line in enumerate(text.split("\n"), start=1)
    )


def _check_line(line: str, place: Place, problems: Problems) -> str:
    waived = set()
    for code, reason in WAIVER.findall(line):
        if code not in CODES:
            problems.refuse(
                place, "unknown_waiver", f"«{code}» no es una regla. Están: {', '.join(sorted(CODES))}."
            )
        elif len(reason.strip()) < REASON_LETTERS:
            problems.refuse(
                place, "waiver_without_reason", "Di por qué: {permite:regla la razón, en pocas palabras}."
            )
        problems.allow(place, code)
        waived.add(code)
    text = WAIVER.sub("", line)
    for rule in RULES:
        found = rule.pattern.search(text)
        if found is None or rule.code in waived:
            continue
        note = problems.warn if rule.is_warning else problems.refuse
        note(place, rule.code, f"«{found[0]}»: {rule.advice}")
    return text
