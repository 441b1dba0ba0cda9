"""The runtime a block sees in the LMS or in Studio, rule by rule (tests/standin/test_runtime.py names each)."""

import html
import json
import logging
from importlib.resources import files

from completion.services import CompletionService
from django.core.cache import cache
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.grades.signals.signals import PROBLEM_WEIGHTED_SCORE_CHANGED
from lxml import etree
from openedx.core.djangoapps.enrollments.services import EnrollmentsService
from web_fragments.fragment import Fragment
from xblock.core import XBlock
from xblock.fields import ScopeIds
from xblock.runtime import Runtime

from standin.blocks import BUILT_IN, Container, HiddenBlock, PlatformMixin
from standin.course import LostBlock, slug_of
from standin.field_data import PlatformFieldData
from standin.services import (
    PlatformI18nService,
    PlatformReplaceUrls,
    PlatformSettingsService,
    PlatformUserService,
)

log = logging.getLogger("standin.runtime")


class PlatformRuntime(Runtime):
    """What import, LMS and Studio have in common."""

    def __init__(self, course, field_data, services):
        super().__init__(
            course, course, services={"field-data": field_data, **services}, mixins=(PlatformMixin,)
        )
        self.course = course
        self.scope_user_id = None

    def load_block_type(self, block_type):
        return BUILT_IN.get(block_type) or XBlock.load_class(block_type, default=HiddenBlock)

    def get_block(self, usage_id, for_parent=None):
        if usage_id not in self.course.usage_keys:
            raise KeyError(usage_id)
        keys = ScopeIds(self.scope_user_id, usage_id.block_type, usage_id, usage_id)
        return self.construct_xblock(usage_id.block_type, keys, for_parent=for_parent)

    def service(self, block, service_name):
        # Services that depend on the block are given to the runtime as classes to be called with it.
        service = super().service(block, service_name)
        return service(block) if callable(service) else service

    def view_for(self, block):
        return "student_view"

    def wrap_xblock(self, block, view, frag, context):
        wrapped = Fragment()
        wrapped.add_fragment_resources(frag)
        block_type = block.scope_ids.block_type
        data = {
            "usage-id": block.scope_ids.usage_id,
            "block-type": block_type,
            "course-id": self.course.key,
            "graded": block.graded,
            "has-score": getattr(block, "has_score", False),
        }
        arguments = ""
        if frag.js_init_fn:
            data |= {"init": frag.js_init_fn, "runtime-version": frag.js_init_version}
        if frag.json_init_args is not None:
            arguments = (
                '<script type="json/xblock-args" class="xblock-json-init-args">'
                f"{json.dumps(frag.json_init_args)}</script>"
            )
        attributes = "".join(f' data-{name}="{html.escape(str(value))}"' for name, value in data.items())
        classes = f"xblock xblock-{view} xblock-{view}-{block_type}"
        content = f'<div class="{classes}"{attributes}>{arguments}{frag.content}</div>'
        wrapped.add_content(PlatformReplaceUrls(self.course.key).replace_urls(content))
        return wrapped

    def local_resource_url(self, block, uri):
        """Return the production address, or raise where the platform's collectstatic would have no such file.

        The address holds the class's module without its last part, while the file is collected with one
        part less: a class deeper than one module below its package finds nothing there.
        """
        parts = block.unmixed_class.__module__.split(".")
        if len(parts) != 2:
            raise FileNotFoundError(f"{block.unmixed_class}: files of a class at this depth are never found")
        if not uri.startswith("public/") or "/." in uri:
            raise FileNotFoundError(f"{uri}: only public/ is served")
        if not files(parts[0]).joinpath(uri).is_file():
            raise FileNotFoundError(uri)
        return f"/static/xblock/resources/{parts[0]}/{uri}"

    def resource_url(self, resource):
        raise NotImplementedError("use local_resource_url")

    def publish(self, block, event_type, event_data):
        """Do nothing: there is no ``publish`` service outside the LMS."""

    def _require_handler(self, block, handler_name):
        function = getattr(block.__class__, handler_name, None)
        if function is None or not getattr(function, "_is_xblock_handler", False):
            raise ValueError(f"{handler_name!r} is no handler of {block.__class__.__name__}")


class ImportRuntime(PlatformRuntime):
    """Parses OLX into the course's content; no learner and no user is bound."""

    def __init__(self, course):
        field_data = PlatformFieldData(course.content, can_author=True, learner=None)
        super().__init__(course, field_data, {"i18n": PlatformI18nService})

    def import_course(self):
        self.course.root_key = self._parse(self.course.root, None)

    def add_node_as_child(self, block, node):
        if not isinstance(node.tag, str):
            return
        if not isinstance(block, Container):
            # A pure XBlock's child becomes a child block, which fails where the block has no children.
            block.children.append(self._parse(node, block.scope_ids.usage_id))
            return
        try:
            key = self._parse(node, block.scope_ids.usage_id)
        except Exception as error:
            # The importer logs it, leaves the block out and reports success.
            log.warning("Unable to load child when parsing %s: %s", block.scope_ids.block_type, error)
            self.course.lost.append(LostBlock(node.tag, node.get("url_name", ""), error))
        else:
            block.children.append(key)

    def _parse(self, node, parent_key):
        node.attrib.pop("xblock-family", None)
        key = self.course.create_definition(node.tag, slug_of(node))
        block_class = self.mixologist.mix(self.load_block_type(node.tag))
        block = block_class.parse_xml(node, self, ScopeIds(None, node.tag, key, key))
        block.parent = parent_key
        block.save()
        self.course.usage_keys[key] = block_class
        return key

    def handler_url(self, block, handler_name, suffix="", query="", thirdparty=False):
        raise NotImplementedError("no request")


class LmsRuntime(PlatformRuntime):
    """What a learner's or a team member's request sees."""

    def __init__(
        self, course, *, user, anonymous_id, is_staff, is_global_staff, is_masquerading, learner, journal
    ):
        self._user = user
        self._is_masquerading = is_masquerading
        self._journal = journal
        is_anonymous = user is None
        user_service = PlatformUserService(
            user,
            anonymous_user_id=anonymous_id,
            is_staff=is_staff,
            is_global_staff=is_global_staff,
            role="staff" if is_staff else "student",
        )
        super().__init__(
            course,
            PlatformFieldData(course.content, can_author=False, learner=learner),
            {
                "user": user_service,
                "i18n": PlatformI18nService,
                "completion": None if is_anonymous else CompletionService(user, course.key),
                "enrollments": EnrollmentsService(),
                "replace_urls": PlatformReplaceUrls(course.key),
                "settings": PlatformSettingsService(),
                "cache": cache,
            },
        )
        self.scope_user_id = None if is_anonymous else user.pk

    def handler_url(self, block, handler_name, suffix="", query="", thirdparty=False):
        if thirdparty:
            raise ValueError("no handler is offered to third parties")
        self._require_handler(block, handler_name)
        key = block.scope_ids.usage_id
        url = f"/courses/{self.course.key}/xblock/{key}/handler/{handler_name}"
        url += f"/{suffix}" if suffix else ""
        return f"{url}?{query}" if query else url

    def publish(self, block, event_type, event_data):
        """Act on grade and completion; everything else, and all of it while masquerading, is only logged."""
        completion = self._services["completion"]
        if not self._is_masquerading:
            if event_type == "grade":
                self._publish_grade(block, event_data)
                return
            if completion and completion.completion_tracking_enabled():
                if event_type == "completion":
                    completion.submit_completion(block.scope_ids.usage_id, event_data["completion"])
                    return
                if event_type == "progress":
                    if not getattr(block, "has_custom_completion", False):
                        completion.submit_completion(block.scope_ids.usage_id, 1.0)
                    return
        self._journal.append((event_type, event_data))

    def _publish_grade(self, block, event):
        """Store the grade of the current user, whoever the event names; values are taken as they come."""
        if self._user is None:
            return
        earned, possible = event["value"], event["max_value"]
        key = block.scope_ids.usage_id
        where = {"student": self._user, "module_state_key": key, "course_id": self.course.key}
        row, _ = StudentModule.objects.get_or_create(
            **where, defaults={"module_type": block.scope_ids.block_type, "state": "{}"}
        )
        is_guarded = event.get("only_if_higher") and row.grade is not None and row.max_grade
        if is_guarded and (possible == 0 or earned / possible <= row.grade / row.max_grade):
            return
        StudentModule.objects.filter(pk=row.pk).update(grade=earned, max_grade=possible)
        PROBLEM_WEIGHTED_SCORE_CHANGED.send(
            sender=None,
            user_id=self._user.pk,
            course_id=str(self.course.key),
            usage_id=str(key),
            weighted_earned=earned,
            weighted_possible=possible,
            only_if_higher=event.get("only_if_higher"),
            score_deleted=event.get("score_deleted"),
            grader_response=event.get("grader_response"),
        )


class StudioRuntime(PlatformRuntime):
    """What an author's request sees: in the preview, or (``is_editing``) in a component's edit dialog."""

    def __init__(self, course, *, user, is_editing, session):
        self._is_editing = is_editing
        if not is_editing:
            # Only the preview has it: elsewhere the attribute does not exist at all.
            self.is_author_mode = True
        user_service = PlatformUserService(
            user,
            anonymous_user_id=None if is_editing else "student",
            is_staff=False,
            is_global_staff=False,
            role="student",
        )
        super().__init__(
            course,
            PlatformFieldData(course.content, can_author=True, learner=None if is_editing else session),
            {
                "user": user_service,
                "i18n": PlatformI18nService,
                "replace_urls": PlatformReplaceUrls(course.key),
                "settings": PlatformSettingsService(),
                "cache": cache,
            },
        )
        self.scope_user_id = None if is_editing else user.pk

    def view_for(self, block):
        return "author_view" if getattr(block, "has_author_view", False) else "student_view"

    def handler_url(self, block, handler_name, suffix="", query="", thirdparty=False):
        self._require_handler(block, handler_name)
        key = block.scope_ids.usage_id
        if self._is_editing:
            return f"/xblock/{key}/handler/{handler_name}/{suffix}".rstrip("/") + (
                f"?{query}" if query else ""
            )
        # The preview's addresses end in a slash and a question mark, whatever follows.
        return f"/preview/xblock/{key}/handler/{handler_name}/{suffix}?{query}"


def export_block(block):
    """Return the element Studio would write: only fields that were set, inline, with its family."""
    node = etree.Element(block.scope_ids.block_type)
    block.add_xml_to_node(node)
    node.set("url_name", block.scope_ids.usage_id.block_id)
    return node
