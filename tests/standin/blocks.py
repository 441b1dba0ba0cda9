"""The platform's own block types, as far as a course of ours needs them, and what every block is mixed with."""

import datetime

from lxml import etree
from web_fragments.fragment import Fragment
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock, XBlockMixin
from xblock.fields import Boolean, DateTime, Dict, Integer, List, Scope, String


class PlatformMixin(XBlockMixin):
    """The fields and attributes that the platform mixes into every block (InheritanceMixin, LmsBlockMixin…)."""

    start = DateTime(default=datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC), scope=Scope.settings)
    due = DateTime(scope=Scope.settings)
    graded = Boolean(default=False, scope=Scope.settings)
    format = String(scope=Scope.settings)
    graceperiod = String(scope=Scope.settings)
    max_attempts = Integer(scope=Scope.settings)
    showanswer = String(default="finished", scope=Scope.settings)
    show_correctness = String(default="always", scope=Scope.settings)
    self_paced = Boolean(default=False, scope=Scope.settings)
    visible_to_staff_only = Boolean(default=False, scope=Scope.settings)
    hide_from_toc = Boolean(default=False, scope=Scope.settings)
    group_access = Dict(default={}, scope=Scope.settings)
    user_partitions = List(default=[], scope=Scope.settings)

    @property
    def location(self):
        return self.scope_ids.usage_id

    @property
    def course_id(self):
        return self.scope_ids.usage_id.course_key


class Container(XBlock):
    """Course, chapter, sequential, vertical: shows its children one after the other."""

    has_children = True
    completion_mode = XBlockCompletionMode.AGGREGATOR
    display_name = String(scope=Scope.settings)

    def student_view(self, context):
        return self._show(context)

    def author_view(self, context):
        return self._show(context)

    def _show(self, context):
        fragment = Fragment()
        for child_id in self.children:
            child = self.runtime.get_block(child_id)
            rendered = child.render(self.runtime.view_for(child), context)
            fragment.add_fragment_resources(rendered)
            fragment.add_content(rendered.content)
        return fragment


class HtmlBlock(XBlock):
    """The platform's html component."""

    display_name = String(scope=Scope.settings)
    data = String(scope=Scope.content, default="")

    def student_view(self, context):
        return Fragment(self.data)

    @classmethod
    def parse_xml(cls, node, runtime, keys):
        block = runtime.construct_xblock_from_class(cls, keys)
        block.display_name = node.get("display_name")
        block.data = (node.text or "") + "".join(etree.tostring(c, encoding="unicode") for c in node)
        return block


class HiddenBlock(XBlock):
    """What an unknown block type becomes: nothing a learner could see, and no error."""

    has_children = True

    def student_view(self, context):
        return Fragment()

    @classmethod
    def parse_xml(cls, node, runtime, keys):
        return runtime.construct_xblock_from_class(cls, keys)


BUILT_IN = {
    "course": Container,
    "chapter": Container,
    "sequential": Container,
    "vertical": Container,
    "html": HtmlBlock,
}
