"""The edit dialog in Studio: a form for questions, the whole as YAML, a preview; all checked before it is saved.

The YAML text is what is edited. The form is filled from its values (``check``) and writes them back (``write``), so
that nothing the form does not know is lost.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from web_fragments.fragment import Fragment
from webob import Request

from integra_xblocks.bodies import BodyError, parse_body
from integra_xblocks.content import Problem
from integra_xblocks.messages import N_
from integra_xblocks.yaml_text import YamlError, YamlText, read_yaml, write_yaml

if TYPE_CHECKING:
    from integra_xblocks.base import BaseBlock

MAX_CONTENT_BYTES = 1_048_576

_TEXTS = {
    "saving": N_("Saving…"),
    "failed": N_("Not saved."),
    "line": N_("Line {line}: {sentence}"),
    "add": N_("Add"),
    "remove": N_("Remove"),
    "up": N_("Move up"),
    "down": N_("Move down"),
    "copy": N_("Copy as a new question"),
    "removeItem": N_("Remove this question? Answers already given are kept."),
    "unreadable": N_("Mend what is marked first: the form cannot be filled from this text."),
    "checking": N_("Checking…"),
    "good": N_("Everything is well formed."),
    "noSignal": N_("There is no connection. Nothing was lost: try again."),
    "keyStays": N_("The key joins what learners answered; it stays."),
    "newQuestion": N_("New question"),
}


@dataclass(frozen=True, slots=True)
class CheckContent:
    """The text as it stands in the dialog."""

    content: str


@dataclass(frozen=True, slots=True)
class WriteContent:
    """The values as the form has them."""

    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SaveContent:
    """What the dialog sends."""

    display_name: str
    content: str


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """One thing to mend: its line in the text, and a sentence in the author's language."""

    line: int
    sentence: str


def build_edit_form(block: BaseBlock) -> Fragment:
    """Return the dialog for ``block``."""
    content = write_yaml(block.get_editable())
    form = block.describe_form()
    html = block.render_template(
        "edit.html",
        {
            "content": content,
            "has_form": bool(form),
            "element_id": f"integra-edit-{block.short_digest(content)}",
        },
    )
    fragment = Fragment(html)
    for name in ("integra", "edit"):
        fragment.add_css_url(block.runtime.local_resource_url(block, f"public/{name}.min.css"))
        fragment.add_javascript_url(block.runtime.local_resource_url(block, f"public/{name}.min.js"))
    texts = {name: block.t(text) for name, text in _TEXTS.items()}
    fragment.initialize_js("IntegraEditDialog", {"texts": texts, "form": form})
    return fragment


def check(block: BaseBlock, request: Request) -> dict[str, Any]:
    """Return what is to mend in the text that was sent, its values, and what learners would see of it."""
    command = _parse(request, CheckContent)
    text, problems = _check_content(block, command.content)
    is_good = text is not None and not problems
    return {
        "problems": [asdict(problem) for problem in problems],
        "values": text.values if text is not None else None,
        "notices": block.list_notices(text.values) if text is not None and is_good else [],
        "preview": block.render_preview(text.values) if text is not None and is_good else "",
    }


def write(request: Request) -> dict[str, Any]:
    """Return the values that were sent as text."""
    return {"content": write_yaml(_parse(request, WriteContent).values)}


def save(block: BaseBlock, request: Request) -> None:
    """Set the fields of ``block`` from the dialog; all of them or none.

    Raises:
        BodyError: ``content_invalid`` with every problem in its sentence.
    """
    command = _parse(request, SaveContent)
    text, problems = _check_content(block, command.content)
    if text is None or problems:
        raise BodyError(
            "content_invalid",
            " · ".join(problem.sentence for problem in problems),
            field="content",
            problems=tuple(asdict(problem) for problem in problems),
        )
    block.display_name = command.display_name.strip()
    block.apply_editable(text.values)
    block.import_problems = []


def _parse(request: Request, command: type[Any]) -> Any:
    return parse_body(request.body, command, max_bytes=MAX_CONTENT_BYTES, max_text=MAX_CONTENT_BYTES)


def _check_content(block: BaseBlock, content: str) -> tuple[YamlText | None, list[ShownProblem]]:
    """Return the text's values and every problem; no values where it cannot be read."""
    try:
        text = read_yaml(content)
    except YamlError as error:
        return None, [ShownProblem(error.line, block.t(error.message))]
    problems = _check_names(block, text.values) or _check_types(block, text.values)
    problems = problems or block.check_editable(text.values)
    shown = [
        ShownProblem(text.line_of(problem.path), f"{problem.where}: {block.t(problem.message)}")
        for problem in problems
    ]
    return text, sorted(shown, key=lambda problem: problem.line)


def _check_names(block: BaseBlock, values: dict[str, Any]) -> list[Problem]:
    known = block.get_editable()
    unknown = N_("This name means nothing here. Delete it or mend its spelling.")
    problems = [Problem((name,), name, unknown) for name in values if name not in known]
    missing = N_("Something is missing here. Fill it in.")
    return problems + [Problem((), name, missing) for name in known if name not in values]


def _check_types(block: BaseBlock, values: dict[str, Any]) -> list[Problem]:
    problems = []
    for name, value in values.items():
        try:
            enforced = block.fields[name].enforce_type(value)
        except (TypeError, ValueError, OverflowError):
            enforced = None
        # What a field would turn into something else ("no" into false, "8" into 8) is not what the author meant.
        is_same = enforced == value and isinstance(enforced, bool) is isinstance(value, bool)
        is_good = enforced is not None and is_same
        if not is_good:
            problems.append(Problem((name,), name, N_("Another kind of value is expected here.")))
    return problems
