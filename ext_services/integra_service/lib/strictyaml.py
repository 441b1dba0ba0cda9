"""YAML read as text and typed by whoever asked: no Norway, no octal, no aliases, no doubled or unknown keys."""

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import yaml

MAX_BYTES = 256 * 1024


class StrictYamlError(ValueError):
    """The file says something we do not understand; the message names the place and what is expected."""


class _StrictLoader(yaml.BaseLoader):
    """Text, lists and mappings only."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not used here")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _value in node.value]
        doubled = {str(key) for key in keys if keys.count(key) > 1}
        if doubled:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {', '.join(doubled)} stands there twice")
        return super().construct_mapping(node, deep=deep)


class Reader:
    """Typed access to one parsed file, with its name and the key path in every refusal."""

    def __init__(self, name: str) -> None:
        self.name = name

    def parse(self, raw: bytes) -> Any:
        """Return the tree that ``raw`` spells; every scalar is text."""
        if len(raw) > MAX_BYTES:
            self.refuse("", f"is larger than {MAX_BYTES} bytes")
        try:
            return yaml.load(raw, Loader=_StrictLoader)  # noqa: S506 - derived from BaseLoader: builds text only
        except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
            raise StrictYamlError(f"{self.name}: {error}") from error

    def refuse(self, where: str, expected: str) -> NoReturn:
        raise StrictYamlError(f"{self.name}: {where or 'the file'} {expected}")

    def members(
        self, tree: Any, where: str, names: Collection[str], *, optional: Collection[str] = ()
    ) -> dict[str, Any]:
        """Return the mapping if it has all these members and, beyond the optional ones, no other."""
        if not isinstance(tree, dict):
            self.refuse(where, "must be a mapping with members")
        missing = sorted(set(names) - set(tree))
        unknown = sorted(set(tree) - set(names) - set(optional))
        if missing or unknown:
            parts = ([f"lacks the members {', '.join(missing)}"] if missing else []) + (
                [f"has the unknown members {', '.join(unknown)}"] if unknown else []
            )
            self.refuse(where, " and ".join(parts))
        return tree

    def text(self, members: Mapping[str, Any], key: str, where: str = "") -> str:
        value = members[key]
        if not isinstance(value, str) or not value.strip():
            self.refuse(_join(where, key), "must be text")
        return value.strip()

    def whole(
        self, members: Mapping[str, Any], key: str, where: str = "", *, low: int = 0, high: int = 10**6
    ) -> int:
        """Return a whole number in plain digits between ``low`` and ``high``, both inclusive."""
        text = self.text(members, key, where)
        if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
            self.refuse(_join(where, key), f"must be a whole number from {low} to {high}")
        return int(text)

    def one_of(self, members: Mapping[str, Any], key: str, allowed: Collection[str], where: str = "") -> str:
        text = self.text(members, key, where)
        if text not in allowed:
            self.refuse(_join(where, key), f"must be one of {', '.join(sorted(allowed))}")
        return text

    def items(
        self, members: Mapping[str, Any], key: str, where: str = "", *, can_be_empty: bool = False
    ) -> list[Any]:
        value = members[key]
        if not isinstance(value, list) or not (value or can_be_empty):
            self.refuse(_join(where, key), "must be a list")
        return value

    def texts(self, members: Mapping[str, Any], key: str, where: str = "") -> tuple[str, ...]:
        values = self.items(members, key, where)
        if not all(isinstance(value, str) and value.strip() for value in values):
            self.refuse(_join(where, key), "must be a list of texts")
        return tuple(value.strip() for value in values)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
