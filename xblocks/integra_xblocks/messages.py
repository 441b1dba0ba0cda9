"""Texts all blocks share: what refusals say, and what the script shows while saving.

Sources are English; the Spanish stands in ``translations/``. ``N_`` marks a text for extraction.
"""

from __future__ import annotations


def N_(message: str) -> str:  # noqa: N802 - the usual gettext name
    """Return ``message`` as it is; marks it for translation."""
    return message


_READ_ONLY = N_("This is a preview: nothing is saved.")
_NOT_READ = N_("We could not read what was sent. Reload the page and try again.")

# Refusals of this package. The gradebook's errors bring their own translated sentence.
_MESSAGES = {
    "studio": _READ_ONLY,
    "masquerade": _READ_ONLY,
    "anonymous": N_("Sign in to save your work."),
    "not_enrolled": N_("Join the course to save your work."),
    "not_studio": N_("This can only be changed in Studio."),
    "too_long": N_("This text is too long."),
    "unwanted_character": N_("This text has a character that cannot be saved. Please write it again."),
    "body_too_large": N_("This is too large to be saved."),
} | dict.fromkeys(
    (
        "not_json",
        "not_an_object",
        "duplicate_key",
        "not_a_number",
        "too_deep",
        "unknown_field",
        "missing_field",
        "wrong_type",
        "not_a_uuid",
        "method_not_allowed",
    ),
    _NOT_READ,
)

# What Studio's dialog says of content that is not well formed; the codes are those of integra_grading.
_KIND = N_("This does not go with the kind of question, or something the kind needs is missing.")
_AUTHOR_MESSAGES = {
    "missing_key": N_("Something is missing here. Fill it in."),
    "unknown_key": N_("This name means nothing here. Delete it or mend its spelling."),
    "wrong_type": N_("Another kind of value is expected. Numbers of an answer stand in quotation marks."),
    "not_an_object": N_("A list of names with values is expected."),
    "wrong_length": N_("This is empty, too long, or has too few or too many entries."),
    "bad_character": N_("This has a character that cannot be kept. Write it again."),
    "wrong_form": N_("Only letters, digits, points, hyphens and underscores, without blanks."),
    "unknown_value": N_("This is none of the words that are possible here."),
    "out_of_range": N_("This number is outside of what is possible here."),
    "wrong_parts": _KIND,
    "reserved_key": N_("The test itself offers “I don't know”. Give this option another key."),
    "not_one_correct": N_("Exactly one option must be right."),
    "none_correct": N_("At least one option must be right."),
    "too_few_options": N_("There are too few options."),
    "too_few_targets": N_("At least two groups to match with are needed."),
    "unknown_target": N_("This belongs to a group that is not there."),
    "unknown_column": N_("This cell stands in a column that is not there."),
    "nothing_asked": N_("At least one cell must ask for a number."),
    "duplicate_key": N_("This key stands twice."),
    "slip_is_right": N_("One of the wrong numbers would count as right."),
    "duplicate_slip": N_("Two mistakes lead to the same number."),
    "not_a_number": N_("A number is expected, with a point for decimals and in quotation marks."),
}

_NOT_FOUND = 404
_CONFLICT = 409
_STATUS = {
    "course_not_registered": _CONFLICT,
    "uuid_reused": _CONFLICT,
    "attempt_open": _CONFLICT,
    "attempt_closed": _CONFLICT,
    "attempts_used": _CONFLICT,
    "time_over": _CONFLICT,
    "too_early": _CONFLICT,
    "already_taken": _CONFLICT,
    "sheet_typed_in": _CONFLICT,
    "take_back_used": _CONFLICT,
    "already_exempt": _CONFLICT,
    "module_done": _CONFLICT,
    "not_offered": _CONFLICT,
    "sittings_used": _CONFLICT,
    "draft_conflict": _CONFLICT,
    "waiting_for_rating": _CONFLICT,
    "already_accepted": _CONFLICT,
    "submission_replaced": _CONFLICT,
    "already_rated": _CONFLICT,
    "claimed_by_other": _CONFLICT,
    "not_claimed": _CONFLICT,
    "bank_mismatch": _CONFLICT,
    "unknown_user": _NOT_FOUND,
    "attempt_unknown": _NOT_FOUND,
    "submission_unknown": _NOT_FOUND,
    "not_a_facilitator": _NOT_FOUND,
    "learner_unknown": _NOT_FOUND,
    "own_work": 403,
    # Ask again later: the page's queue keeps what it sent and retries.
    "busy": 429,
}

COMMON_TEXTS = {
    "saving": N_("Saving…"),
    "savedHere": N_("Saved on this phone. It will be sent when there is signal."),
    "sent": N_("Sent."),
    "failed": N_("It could not be sent yet. We will try again."),
    "signedOut": N_("Your session ended. Your work is saved on this phone: sign in again to send it."),
    "preview": _READ_ONLY,
    "broken": N_("This part could not start. Reload the page."),
}


def get_message(code: str) -> str | None:
    """Return the English sentence for ``code``, or ``None`` where the error's own sentence is used."""
    return _MESSAGES.get(code)


def get_author_message(code: str) -> str | None:
    """Return the English sentence for an author about ``code``, or ``None`` where the error's own is used."""
    return _AUTHOR_MESSAGES.get(code)


def get_status(code: str) -> int:
    """Return the HTTP status of a refusal with ``code``."""
    return _STATUS.get(code, 400)
