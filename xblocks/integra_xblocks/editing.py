"""The edit dialog in Studio: a block's content as one YAML text, checked completely before it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from web_fragments.fragment import Fragment
from webob import Request

from integra_xblocks.bodies import BodyError, parse_body

if TYPE_CHECKING:
    from integra_xblocks.base import BaseBlock

MAX_CONTENT_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class SaveContent:
    """What the dialog sends."""

    display_name: str
    content: str


def build_edit_form(block: BaseBlock) -> Fragment:
    """Return the dialog for ``block``."""
    content = yaml.safe_dump(_to_plain(block.get_editable()), allow_unicode=True, sort_keys=False, width=100)
    html = block.render_template(
        "edit.html", {"content": content, "element_id": f"integra-edit-{block.short_digest(content)}"}
    )
    fragment = Fragment(html)
    fragment.add_css_url(block.runtime.local_resource_url(block, "public/integra.min.css"))
    fragment.add_javascript_url(block.runtime.local_resource_url(block, "public/integra.min.js"))
    fragment.add_javascript_url(block.runtime.local_resource_url(block, "public/edit.min.js"))
    fragment.initialize_js(
        "IntegraEditDialog", {"saving": block.t("Saving…"), "failed": block.t("Not saved.")}
    )
    return fragment


def save_edit_form(block: BaseBlock, request: Request) -> None:
    """Set the fields of ``block`` from the dialog; all of them or none.

    Raises:
        BodyError: ``content_invalid`` with every problem in its sentence.
    """
    command = parse_body(request.body, SaveContent, max_bytes=MAX_CONTENT_BYTES, max_text=MAX_CONTENT_BYTES)
    values = _read_content(command.content)
    known = block.get_editable()
    problems = [f"{name}: unknown" for name in values if name not in known]
    problems += [f"{name}: missing" for name in known if name not in values]
    problems = problems or _check_types(block, values) or block.check_editable(values)
    if problems:
        raise BodyError("content_invalid", " · ".join(problems), field="content")
    block.display_name = command.display_name.strip()
    for name, value in values.items():
        setattr(block, name, value)
    block.import_problems = []


def _read_content(text: str) -> dict[str, Any]:
    try:
        # Aliases could blow a small text up to gigabytes when the value is walked.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise BodyError("content_invalid", "Aliases (*name) are not allowed.", field="content")
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BodyError("content_invalid", str(error), field="content") from error
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise BodyError(
            "content_invalid", "The content must be a list of names with values.", field="content"
        )
    return values


def _check_types(block: BaseBlock, values: dict[str, Any]) -> list[str]:
    problems = []
    for name, value in values.items():
        try:
            block.fields[name].enforce_type(value)
        except (TypeError, ValueError) as error:
            problems.append(f"{name}: {error}")
    return problems


def _to_plain(value: Any) -> Any:
    """Return plain dicts and lists: fields hand out their own subclasses, which YAML would tag."""
    if isinstance(value, dict):
        return {str(key): _to_plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain(child) for child in value]
    return value
