"""What blocks with questions share: the items in the OLX, their check, the editor's form and the preview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lxml import etree
from xblock.fields import List, Scope

from integra_xblocks import content, item_form, item_preview
from integra_xblocks.base import BaseBlock
from integra_xblocks.content import Problem


class ItemBlock(BaseBlock):
    """A block whose content is items; not a block type itself."""

    OWN_TAGS = frozenset({"item"})
    CHILD_FIELDS: ClassVar[tuple[str, ...]] = ("items",)
    SHARED_FILES: ClassVar[tuple[str, ...]] = ("integra", "item")
    # Fields of an item that say where it stands in its bank.
    PLACES: ClassVar[tuple[item_form.Field, ...]] = ()

    items = List(scope=Scope.content, default=[], help="Items with their keys; never sent to a browser.")

    @classmethod
    def read_children(cls, elements: Iterable[etree._Element]) -> tuple[dict[str, Any], list[str]]:
        """Read the items."""
        items, problems = content.read_items(elements)
        return {"items": items}, problems

    def write_children(self, node: etree._Element) -> None:
        """Write the items."""
        content.write_items(node, self.items)

    def check_editable(self, values: Mapping[str, Any]) -> list[Problem]:
        """Return a problem per item that cannot be read."""
        return content.check_items(values["items"])

    def list_notices(self, values: Mapping[str, Any]) -> list[str]:
        """Tell which questions would go."""
        kept = {raw["key"] for raw in values["items"]}
        gone = [raw["key"] for raw in self.items if raw["key"] not in kept]
        if not gone:
            return []
        text = self.t(
            "These questions would go: {keys}. Answers already given to them are kept.", keys=", ".join(gone)
        )
        return [text]

    def describe_form(self) -> dict[str, Any]:
        """Return the form of a question."""
        return item_form.describe_form(self.PLACES, self.t)

    def render_preview(self, values: Mapping[str, Any]) -> str:
        """Return a page with every form as learners get it and with what counts as right."""
        files = [
            self.runtime.local_resource_url(self, f"public/{path}.min.css")
            for path in (*self.SHARED_FILES, f"{self.FOLDER}/style", "edit")
        ]
        groups = item_preview.describe_groups(content.parse_items(values["items"]))
        return self.render_template("edit_preview.html", {"files": files, "groups": groups})
