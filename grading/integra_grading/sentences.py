"""What a learner reads when something they typed is refused: Spanish, by code.

This package has no translation machinery; these are its only sentences for learners. Everything else it
says is for authors and operators, in English.
"""

from __future__ import annotations

_SENTENCES = {
    "empty_number": "Falta este número.",
    "not_a_number": "Escribe solo el número, por ejemplo 1.013,50.",
    "too_long": "Es demasiado largo. Revísalo.",
    "too_many_decimals": "Usa hasta {places} decimales. Si son miles, escríbelo sin coma: 1013.",
    "negative_number": "El número no puede ser menor que cero.",
    "missing": "Este dato falta.",
    "bad_character": "Hay un carácter que no se puede guardar. Bórralo y escríbelo de nuevo.",
    "wrong_type": "Este dato no llegó bien. Vuelve a escribirlo.",
    "too_few_rows": "Llena al menos {rows} fila(s).",
    "too_many_rows": "Puedes llenar hasta {rows} filas.",
    "unknown_field": "Llegó un dato que esta hoja no tiene. Recarga la página.",
    "text_too_long": "Usa hasta {length} caracteres.",
    "document_invalid": "Hay datos por revisar.",
    "not_an_object": "La hoja no llegó completa. Vuelve a enviarla.",
    "unknown_cell": "Esa casilla no existe. Recarga la página.",
    "unknown_option": "Esa opción no existe. Recarga la página y elige otra vez.",
    "unknown_not_allowed": "Aquí no se puede responder «No lo sé».",
    "not_a_response": "La respuesta no llegó bien. Elige o escribe otra vez.",
}


def sentence(code: str, **values: int) -> str:
    """Return the Spanish sentence of ``code`` with ``values`` filled in."""
    return _SENTENCES[code].format(**values)
