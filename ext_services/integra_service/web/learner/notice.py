"""The notice a learner reads before deciding anything. Its texts are data: they are what people agreed to.

A changed text is a new version; consents name the version they were given under.
"""

from dataclasses import dataclass

from django.conf import settings

from integra_service.people.models import Purpose

VERSION = "aviso-5"


@dataclass(frozen=True, slots=True)
class Section:
    """One question a person may have, and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class PurposeText:
    """What a person is asked, and what happens when they say no."""

    purpose: Purpose
    label: str
    question: str
    explanation: str
    if_no: str
    if_withdrawn: str  # what follows for who said yes before


_SECTIONS = (
    Section(
        "¿Qué datos usamos?",
        "Un código que te representa, tu ciudad, lo que hiciste en el curso (módulos, pruebas y trabajos) y el "
        "nombre que tú escribas aquí. Lo del curso llega de tu aula virtual con tu código, sin tu nombre. También "
        "queda anotado qué respondes y qué pides en estas páginas, y qué se hace con tus datos. Para el "
        "certificado no te pedimos documento, dirección, teléfono ni situación migratoria. Si postulas al fondo, "
        "el equipo del programa anota en qué zona vives, desde cuándo y cómo lo sabe.",
    ),
    Section(
        "¿Para qué?",
        "Para emitir tu certificado y para que cualquiera a quien se lo muestres pueda comprobar que es verdadero."
        " Si lo permites, para encontrarte por tu nombre cuando pidas ayuda. Si postulas al fondo, para revisar "
        "los requisitos. Y para hacer estadísticas del programa, sin nombres.",
    ),
    Section(
        "¿Por qué podemos usarlos?",
        "El curso es parte de un programa público de tu municipio. Para emitir el certificado con tu nombre, y "
        "para encontrarte por tu nombre, te pedimos permiso. Puedes decir que no y seguir en el curso. Y puedes "
        "retirar tu permiso cuando quieras en «Mis permisos».",
    ),
    Section(
        "¿Quién ve tu nombre?",
        "El equipo del programa en tu ciudad y las personas a quienes les des tu certificado. Tu nombre se guarda "
        "cifrado, es decir, no se puede leer sin una llave, y no vuelve al aula. El enlace público no muestra tu "
        "nombre. Quien lo abre escribe el nombre que dice el papel, y la página solo responde si coincide.",
    ),
    Section(
        "¿Qué lleva dentro el certificado?",
        "Lo que aprendiste y una huella de tu nombre: un número que se calcula con él. Tu nombre no está escrito, "
        "pero quien tenga el archivo firmado puede probar un nombre y saber si es el tuyo. Por eso, compártelo "
        "solo con quien quieras que lo sepa. La dirección del certificado está también en tu aula, para que la "
        "abras desde ahí.",
    ),
    Section(
        "¿Hay decisiones automáticas?",
        "Una computadora revisa si cumpliste lo que pide el certificado, y te dice qué falta. Si postulas al "
        "fondo, la computadora hace una propuesta y dice por qué. Quien decide es una comisión de personas. Si no "
        "estás de acuerdo, una persona lo revisa contigo.",
    ),
    Section(
        "¿Cuánto tiempo?",
        "Guardamos tu nombre y tus certificados hasta que pidas borrarlos, o hasta que tu cuenta del aula se "
        "borre. Cuando lo pides, el borrado se hace siete días después; hasta entonces puedes retirar tu "
        "solicitud. Después queda tu avance con un código, para las estadísticas: aquí ya nada dice de quién es, "
        "pero tu aula puede saberlo mientras tengas cuenta en ella. Queda también que en esa dirección hubo un "
        "certificado que ya no vale, qué se propuso si postulaste al fondo, y las fechas de tus permisos y "
        "solicitudes, como prueba. Todo eso queda sin tu nombre. Las copias de respaldo viejas siguen guardadas un"
        " tiempo; si alguna se usa, tu nombre se borra otra vez antes de abrir el servicio.",
    ),
    Section(
        "¿Qué puedes pedir?",
        "Ver y descargar tus datos, corregirlos, borrarlos u oponerte a que se usen para algo: todo está en «Mis "
        "datos». Es gratis y te respondemos en 15 días como máximo. También puedes hablar con quien facilita tu "
        "curso o ir a la oficina del programa en tu ciudad. Si no te respondemos, o no estás de acuerdo con la "
        "respuesta, puedes reclamar ante la Superintendencia de Protección de Datos Personales.",
    ),
)

PURPOSES = (
    PurposeText(
        Purpose.CERTIFICATE,
        "Certificado con tu nombre",
        "¿Aceptas que emitamos tu certificado con tu nombre?",
        "Guardamos tu nombre cifrado y firmamos el certificado.",
        "Si dices que no, sigues en el curso igual, pero sin certificado.",
        "Tu certificado se oculta: quien abra su dirección o lea el código QR del papel no lo encuentra, y no se emite "
        "ninguno más. No se borra: si vuelves a dar permiso, se ve otra vez.",
    ),
    PurposeText(
        Purpose.FIND_BY_NAME,
        "Que te encuentren por tu nombre",
        "¿Aceptas que el equipo del programa en tu ciudad te encuentre por tu nombre?",
        "Sirve para ayudarte aunque no tengas a mano tu código.",
        "Si dices que no, te encuentran solo con el código que ves en «Mi avance».",
        "Desde ese momento te encuentran solo con tu código. Tu certificado sigue igual.",
    ),
)


def list_sections() -> tuple[Section, ...]:
    """Return the whole notice; who answers for the data comes first and is the operator's to say."""
    answer = f"{settings.INTEGRA_DATA_CONTROLLER}. Ahí puedes preguntar lo que quieras sobre tus datos."
    return Section("¿Quién responde por tus datos?", answer), *_SECTIONS


def get_purpose_text(purpose: Purpose) -> PurposeText:
    return next(text for text in PURPOSES if text.purpose == purpose)
