"""Gain, short codes, errors, texts and reasons."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_grading.errors import GradingError, InvalidScoreError, PseudonymError, WireError
from integra_grading.gain import normalized_gain, raw_gain
from integra_grading.pseudonym import ALPHABET, read_short_code, short_code
from integra_grading.reasons import Permission, Reason, ReasonCode, parse_reason
from integra_grading.text import has_bad_character, normalise

PROPORTIONS = st.floats(0, 1)


@given(PROPORTIONS, PROPORTIONS)
def test_raw_gain_is_antisymmetric_and_in_range(pre, post):
    assert raw_gain(pre, post) == -raw_gain(post, pre)
    assert -1 <= raw_gain(pre, post) <= 1


@given(PROPORTIONS, PROPORTIONS)
def test_normalized_gain_is_none_or_at_most_one(pre, post):
    gain = normalized_gain(pre, post)
    assert (gain is None) == (pre == 1)
    assert gain is None or gain <= 1


@pytest.mark.parametrize(
    ("pre", "post", "raw", "normalized"),
    [
        (0.5, 0.75, 0.25, 0.5),
        (0.0, 0.0, 0.0, 0.0),
        (1.0, 1.0, 0.0, None),
        (0.5, 0.25, -0.25, -0.5),
        (0.25, 1.0, 0.75, 1.0),
    ],
)
def test_gains(pre, post, raw, normalized):
    assert (raw_gain(pre, post), normalized_gain(pre, post)) == (raw, normalized)


@pytest.mark.parametrize("gain", [raw_gain, normalized_gain])
@pytest.mark.parametrize(("pre", "post"), [(float("nan"), 0.5), (0.5, float("nan")), (-0.1, 0), (0, 1.1)])
def test_gains_refuse_what_is_no_proportion(gain, pre, post):
    with pytest.raises(InvalidScoreError):
        gain(pre, post)


def test_short_code_of_one_learner_never_changes():
    # Cards with codes are printed: another algorithm would make them wrong.
    assert short_code(UUID("5f0c1c3e-8f0a-4d53-9a57-0d2f6c0e7a11")) == "V6JC-QKVY"


@given(st.uuids())
def test_short_code_is_read_back_however_it_is_typed(learner_uuid):
    code = short_code(learner_uuid)
    assert len(code) == 9
    assert set(code) - {"-"} <= set(ALPHABET)
    for typed in (code, code.lower(), code.replace("-", ""), code.replace("-", " ")):
        assert read_short_code(typed) == code


def test_short_codes_use_all_letters_evenly():
    letters = Counter("".join(short_code(UUID(int=n)).replace("-", "") for n in range(2000)))
    assert set(letters) == set(ALPHABET)
    assert max(letters.values()) < 1.4 * min(letters.values())


@pytest.mark.parametrize(
    "typed", ["", "K7QM", "K7QM-2XR0", "K7QM-2XRDD", "AAAA-AAAA", None, 5, "K7QM-2XRÑ", "K" * 10_000]
)
def test_short_code_refuses(typed):
    with pytest.raises(PseudonymError) as caught:
        read_short_code(typed)
    assert caught.value.code == "bad_short_code"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (GradingError("a"), "a"),
        (GradingError("a", "b"), "a at b"),
        (GradingError("a", "b", "C."), "a at b: C."),
        (GradingError("a", "", "C."), "a: C."),
    ],
)
def test_errors_speak(error, text):
    assert str(error) == text


@pytest.mark.parametrize(
    ("text", "one_line", "lines"),
    [
        ("hola", False, False),
        ("a\nb\tc", True, False),
        ("Ana\u202e", True, False),
        ("a\x00", True, True),
        ("a\r", True, True),
        ("\ud83d", True, True),
        ("\uffff", True, True),
        ("👩\u200d🌾 می\u200cخواهم", False, False),
    ],
)
def test_which_characters_are_never_stored(text, one_line, lines):
    assert has_bad_character(text, multiline=False) is one_line
    assert has_bad_character(text, multiline=True) is lines


@given(st.text())
def test_normalise_is_idempotent(text):
    assert normalise(normalise(text)) == normalise(text)


def test_normalise_composes_and_cleans_line_ends():
    assert normalise("  n\u0303a\r\nb\rc ") == "ña\nb\nc"


@pytest.mark.parametrize("code", list(ReasonCode))
def test_reasons_travel(code):
    assert parse_reason(Reason(code, "m06-u03.x").to_wire()) == (code, "m06-u03.x")
    assert parse_reason(str(code)) == (code, "")


@pytest.mark.parametrize(
    "text", ["", ":", "a:", "A", "1a", "a:b:c", "a:" + "b" * 200, "a b", None, 5, "a\n", "a:b\n"]
)
def test_reasons_are_refused(text):
    with pytest.raises(WireError) as caught:
        parse_reason(text)
    assert caught.value.code == "bad_reason"


def test_permission_is_granted_without_reasons_only():
    assert Permission().is_granted
    assert not Permission((Reason(ReasonCode.COOLDOWN, "m06"),), datetime(2026, 1, 1, tzinfo=UTC)).is_granted
