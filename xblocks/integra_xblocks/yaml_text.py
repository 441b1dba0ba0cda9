"""YAML that a person edits: read with the line of every value, written so that it can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from integra_xblocks.messages import N_

Path = Sequence[str | int]
# By these an entry of a list is named in a path, where its number is not known.
_NAMES = ("key", "column", "kind", "word")
_MAX_DEPTH = 30


class YamlError(Exception):
    """A text that is no YAML of ours; ``line`` counts from 1, ``message`` is English and marked for translation."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class YamlText:
    """The values of a text and where they stand in it."""

    values: dict[str, Any]
    root: yaml.Node

    def line_of(self, path: Path) -> int:
        """Return the line on which ``path`` begins (the name's, where it has one), or that of what is around it."""
        node, line = self.root, self.root.start_mark.line
        for step in path:
            found = _find(node, step)
            if found is None:
                break
            node, line = found
        return int(line) + 1


def read_yaml(text: str) -> YamlText:
    """Return the values of ``text``, a list of names with values.

    Raises:
        YamlError: No YAML; aliases, which would blow a small text up to gigabytes; a name that stands twice; or no
            list of names.
    """
    loader = _Loader(text)
    try:
        depth = 0
        for event in yaml.parse(text, yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise YamlError(event.start_mark.line + 1, N_("This is nested too deeply."))
            if getattr(event, "tag", None) is not None:
                raise YamlError(event.start_mark.line + 1, N_("Tags (!name) are not allowed."))
            if isinstance(event, yaml.AliasEvent):
                raise YamlError(
                    event.start_mark.line + 1, N_("References to another place (*name) are not allowed.")
                )
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise YamlError(1, N_("A list of names with values is expected."))
        _refuse_repeated_names(root)
        values = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(
            mark.line + 1 if mark else 1, N_("This is not YAML. Look at the spaces and signs here.")
        ) from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise YamlError(1, N_("This is not YAML. Look at the spaces and signs here.")) from error
    finally:
        loader.dispose()
    if not all(isinstance(name, str) for name in values):
        raise YamlError(1, N_("A list of names with values is expected."))
    return YamlText(values, root)


def write_yaml(values: dict[str, Any]) -> str:
    """Return ``values`` as text; ``read_yaml`` reads back equal values."""
    return yaml.dump(_to_plain(values), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)


class _Loader(yaml.SafeLoader):
    """Leaves dates as texts: no field of a block holds one."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Dumper(yaml.SafeDumper):
    """Repeats a value that stands twice instead of naming it, and writes long texts as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and not any(line != line.rstrip() for line in text.split("\n")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _find(node: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    """Return what ``step`` leads to within ``node``, and its line."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(step):
                return value, name.start_mark.line
    elif isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            if str(step) == str(index) or step in _names_of(entry):
                return entry, entry.start_mark.line
    return None


def _names_of(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        yield from (value.value for name, value in node.value if name.value in _NAMES)


def _refuse_repeated_names(node: yaml.Node) -> None:
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            _refuse_repeated_names(entry)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise YamlError(name.start_mark.line + 1, N_("A list of names with values is expected."))
            if name.value in seen:
                raise YamlError(name.start_mark.line + 1, N_("This name stands twice. Delete one of them."))
            seen.add(name.value)
            _refuse_repeated_names(value)


def _to_plain(value: Any) -> Any:
    """Return plain dicts and lists: fields hand out their own subclasses, which YAML would tag."""
    if isinstance(value, dict):
        return {str(key): _to_plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain(child) for child in value]
    return value
