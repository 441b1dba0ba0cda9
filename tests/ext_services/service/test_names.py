"""Names: what people are called is kept as they write it; what can deceive is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_service.lib.text import TextError, clean_name, fold_words

REAL = [
    "María José Ñáñez Quishpe",
    "O'Higgins",
    "D’Angelo-Peña",
    "Sukarno",
    "X Æ",
    "محمد بن سلمان",
    "نرگس\u200cرضایی",
    "ሰላም ተስፋይ",
    "Олександра Коваленко",
    "အောင်ဆန်းစုကြည်",
    "王小明",
    "Nguyễn Thị Ánh",
    "İpek Işık",
    "Jean-Loïc 3.º",
    "ana maría",
    "MARÍA",
    "de la Cruz y Ávila, hija",
    "Zoë 👩‍🌾",
]


@pytest.mark.parametrize("name", REAL)
def test_real_names_are_kept_as_they_are(name):
    assert clean_name(name) == clean_name(clean_name(name))
    assert fold_words(clean_name(name))


def test_spellings_of_one_name_are_one():
    composed, decomposed = "Ñáñez Pérez", "N\u0303a\u0301n\u0303ez  Pe\u0301rez "
    assert clean_name(decomposed) == composed
    assert clean_name("\u200fمحمد\u200e") == "محمد"
    assert clean_name("Ana\u00a0\u2003María\t") == "Ana María"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "name_empty"),
        (" \u00a0\t ", "name_empty"),
        ("\u200b", "name_character"),
        ("a" * 151, "name_too_long"),
        ("Ana\x00", "name_character"),
        ("Ana\x07", "name_character"),
        ("\ud800Ana", "name_character"),
        ("Ana\u202egnip", "name_character"),
        ("\u2066Ana\u2069", "name_character"),
        ("Ana\ufffe", "name_character"),
        ("Ana\ue000", "name_character"),
        ("\ufeffAna", "name_character"),
        ("123 45", "name_without_letters"),
        ("---", "name_without_letters"),
        ("a" + "\u0336" * 10, "name_character"),
    ],
)
def test_what_is_no_name_is_refused_with_a_code(name, code):
    with pytest.raises(TextError) as caught:
        clean_name(name)
    assert (caught.value.code, caught.value.status) == (code, 400)


@given(st.text(max_size=200))
def test_any_text_is_refused_or_stable(text):
    try:
        name = clean_name(text)
    except TextError:
        return
    assert clean_name(name) == name
    assert 1 <= len(name) <= 150
    name.encode()
