"""The notice a learner reads before deciding anything. Its texts are data: they are what people agreed to.

A changed text is a new version; consents name the version they were given under.
"""

from dataclasses import dataclass

from integra_service.people.models import Purpose

VERSION = "aviso-2"


@dataclass(frozen=True, slots=True)
class Section:
    """One question a person may have, and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class PurposeText:
    """What a person is asked, and what happens when they say no."""

    purpose: Purpose
    question: str
    explanation: str
    if_no: str


SECTIONS = (
    Section(
        "¿Qué datos usamos?",
        "Un código que te representa, lo que hiciste en el curso (módulos, pruebas y entregas) y el nombre que tú "
        "escribas aquí. Para el certificado no te pedimos documento, dirección, teléfono ni situación migratoria. Si "
        "postulas al fondo, el personal anota en qué zona vives, desde cuándo y cómo lo sabe.",
    ),
    Section(
        "¿Para qué?",
        "Para emitir tu certificado y para que cualquiera a quien se lo muestres pueda comprobar que es "
        "verdadero; y, si postulas al fondo, para revisar los requisitos.",
    ),
    Section(
        "¿Por qué podemos usarlos?",
        "El curso es parte de un programa público de tu municipio. Para emitir el certificado con tu nombre te "
        "pedimos permiso, y puedes retirarlo cuando quieras aquí mismo.",
    ),
    Section(
        "¿Quién ve tu nombre?",
        "El personal del programa en tu ciudad y las personas a quienes les des tu certificado. Tu nombre se guarda "
        "cifrado y no vuelve al aula. El enlace público no muestra tu nombre. Quien lo abre escribe el nombre que dice "
        "el papel, y la página solo responde si coincide.",
    ),
    Section(
        "¿Hay decisiones automáticas?",
        "Una computadora revisa si cumpliste lo que pide el certificado, y te dice qué falta. Si no estás de acuerdo, "
        "una persona lo revisa contigo. Ninguna decisión sobre apoyos se toma sin una persona.",
    ),
    Section(
        "¿Cuánto tiempo?",
        "Guardamos tu nombre mientras tu certificado sea útil o la ley lo pida. Después lo borramos y quedan solo "
        "números para las estadísticas, que no dicen quién eres.",
    ),
    Section(
        "¿Qué puedes pedir?",
        "Ver tus datos, corregirlos, borrarlos u oponerte a su uso. Es gratis y te responden en 15 días. Habla con "
        "quien facilita tu curso o ve a la oficina del programa en tu municipio.",
    ),
)

PURPOSES = (
    PurposeText(
        Purpose.CERTIFICATE,
        "¿Aceptas que emitamos tu certificado con tu nombre?",
        "Guardamos tu nombre cifrado y firmamos el certificado.",
        "Si dices que no, sigues en el curso igual, pero sin certificado.",
    ),
    PurposeText(
        Purpose.FIND_BY_NAME,
        "¿Aceptas que el personal del programa en tu ciudad te encuentre por tu nombre?",
        "Sirve para ayudarte aunque no tengas a mano tu código.",
        "Si dices que no, te encuentran solo con el código que ves en «Mi avance».",
    ),
)
