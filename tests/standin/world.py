"""The stand-in as tests use it: an imported course, and the people who visit it (README.md has the protocol)."""

import json
import logging
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import crum
from common.djangoapps.student.models import CourseEnrollment, anonymous_id_for_user
from django.db import transaction
from django.http import Http404
from lms.djangoapps.courseware.models import StudentModule
from lxml import etree
from web_fragments.fragment import Fragment
from webob import Request
from xblock.exceptions import NoSuchHandlerError

from standin.course import Course
from standin.field_data import SessionState, StudentModules
from standin.runtime import ImportRuntime, LmsRuntime, StudioRuntime, export_block

log = logging.getLogger("standin.world")


class Answer(NamedTuple):
    """What a handler's request came back with; ``json`` is ``None`` where the body is not JSON."""

    status: int
    json: Any


@dataclass(frozen=True)
class Page:
    """A rendered view, as it stands in the unit's page."""

    html: str
    fragment: Fragment

    @property
    def init_function(self):
        return self.fragment.js_init_fn

    @property
    def init_args(self):
        return self.fragment.json_init_args


class Standin:
    """One course, imported and published the platform's way.

    ``olx`` is text, an element, or the folder of an OLX tree; a block or a unit alone is put into a small course.
    """

    def __init__(self, olx):
        self.course = Course(olx)
        ImportRuntime(self.course).import_course()
        self.max_scores = {}
        self.view_data = {}
        self.tracking_log = []
        self._shared_state = {}
        self._sessions = {}
        self._publish()

    @property
    def course_key(self):
        return str(self.course.key)

    @property
    def lost(self):
        """What the importer left out in silence: (block type, url_name)."""
        return [(lost.block_type, lost.url_name) for lost in self.course.lost]

    def blocks(self):
        """Return (block type, url_name) of everything imported."""
        return [(key.block_type, key.block_id) for key in self.course.usage_keys]

    def block(self, block_type, url_name):
        """Return the block as the content store has it, with nobody bound."""
        return ImportRuntime(self.course).get_block(self.course.usage_key(block_type, url_name))

    def usage_key(self, block_type, url_name):
        return str(self.course.usage_key(block_type, url_name))

    def export(self, block_type, url_name):
        """Return the block's XML as Studio would export it."""
        return etree.tostring(export_block(self.block(block_type, url_name)), encoding="unicode")

    def as_learner(self, user):
        """``user``, enrolled, in the LMS."""
        self._enrol(user)
        return Visit(self, user)

    def as_staff(self, user):
        """``user`` as course staff, in the LMS under their own name."""
        self._enrol(user)
        return Visit(self, user, is_staff=True)

    def not_enrolled(self, user):
        """``user``, logged in but not enrolled: pages answer 404, handlers are reached all the same."""
        CourseEnrollment.objects.filter(user=user, course_id=self.course.key).update(is_active=False)
        return Visit(self, user)

    def anonymous(self):
        """A visitor of a course with public pages."""
        return Visit(self, None)

    def masquerading(self, staff, *, as_=None):
        """``staff`` viewing as the learner ``as_``; without one, as "a learner" under their own name."""
        return Visit(self, as_ or staff, real_user=staff, is_masquerading=as_ is not None)

    def in_studio(self, author, *, is_editing=False):
        """``author`` in Studio's preview, or in a component's edit dialog."""
        return StudioVisit(self, author, is_editing=is_editing)

    def session_of(self, author):
        return self._sessions.setdefault(author.pk, SessionState())

    def state_of(self, user):
        return StudentModules(user, self.course.key, self._shared_state)

    def staff_task(self, block_type, url_name, user):
        """Return the block as an instructor task binds it to a learner: no request, no real person."""
        visit = self.as_learner(user)
        with crum.impersonate(None):
            return visit._load(block_type, url_name)

    def delete_state(self, block_type, url_name, user):
        """What "delete state" does (instructor/enrollment.py): the block clears, then its row goes.

        Without a row of user state the platform answers 400 after clearing: ``StudentModule.DoesNotExist`` here.
        """
        usage_key = self.course.usage_key(block_type, url_name)
        anonymous_id = anonymous_id_for_user(user, self.course.key)
        block = self.staff_task(block_type, url_name, user)
        if hasattr(block, "clear_student_state"):
            block.clear_student_state(
                user_id=anonymous_id,
                course_id=str(self.course.key),
                item_id=str(usage_key),
                requesting_user_id="staff",
            )
        StudentModule.objects.get(
            student_id=user.pk, course_id=self.course.key, module_state_key=usage_key
        ).delete()

    def _enrol(self, user):
        CourseEnrollment.objects.update_or_create(
            user=user, course_id=self.course.key, defaults={"is_active": True}
        )

    def _publish(self):
        """Collect at publish time what the platform collects, with no learner bound and errors not caught."""
        runtime = ImportRuntime(self.course)
        for key in self.course.usage_keys:
            block = runtime.get_block(key)
            if getattr(block, "has_score", False):
                self.max_scores[key.block_id] = block.max_score()
            if hasattr(block, "student_view_data"):
                self.view_data[key.block_id] = block.student_view_data()


class _Requests:
    """Asks a runtime for views and handlers; subclasses say which runtime, and what surrounds the call."""

    def __init__(self, world, real_user):
        self._world = world
        self._real_user = real_user

    def render(self, block_type, url_name, view="student_view"):
        """Return the view as it stands in the page; an exception leaves as the platform's 500 would."""
        with crum.impersonate(self._real_user), self._around():
            block = self._load(block_type, url_name)
            fragment = self._render(block, view)
            return Page(fragment.content, self._last_inner or fragment)

    def handle(self, block_type, url_name, handler, body=b"", *, method="POST", suffix=""):
        """Call a handler; ``body`` is bytes, or anything that becomes JSON."""
        request = _make_request(body, method)
        with crum.impersonate(self._real_user):
            if self._real_user is None and method != "GET":
                return Answer(403, None)
            try:
                with self._around():
                    block = self._load(block_type, url_name)
                    response = block.handle(handler, request, suffix)
                    self._after(block)
            except (Http404, NoSuchHandlerError):
                return Answer(404, None)
            except Exception:
                log.exception("%s.%s raised", block_type, handler)
                return Answer(500, None)
        return Answer(response.status_code, _json_of(response))

    def handler_url(self, block_type, url_name, handler):
        block = self._load(block_type, url_name)
        return block.runtime.handler_url(block, handler)

    def _render(self, block, view):
        runtime = block.runtime
        self._last_inner = None
        wrap = runtime.wrap_xblock

        def remember(inner_block, inner_view, frag, context):
            if inner_block is block:
                self._last_inner = frag
            return wrap(inner_block, inner_view, frag, context)

        runtime.wrap_xblock = remember
        return block.render(view, {})

    def _load(self, block_type, url_name):
        block = self._runtime().get_block(self._world.course.usage_key(block_type, url_name))
        self._require_access(block)
        return block

    def _runtime(self):
        raise NotImplementedError

    def _require_access(self, block):
        """Authors may see everything."""

    def _around(self):
        return nullcontext()

    def _after(self, block):
        """Nothing: fields were saved when the handler returned."""


class Visit(_Requests):
    """One person's requests to the LMS."""

    def __init__(self, world, user, *, real_user=None, is_staff=False, is_masquerading=False):
        super().__init__(world, real_user or user)
        self._user = user
        self._is_staff = is_staff
        self._is_masquerading = is_masquerading

    def _runtime(self):
        world, user = self._world, self._user
        return LmsRuntime(
            world.course,
            user=user,
            anonymous_id=anonymous_id_for_user(user, world.course.key),
            is_staff=self._is_staff,
            is_global_staff=bool(user is not None and self._real_user == user and user.is_staff),
            is_masquerading=self._is_masquerading,
            learner=None if user is None else world.state_of(user),
            journal=world.tracking_log,
        )

    def _require_access(self, block):
        """A block its author hid is absent for learners: page and handlers answer 404."""
        if not self._is_staff and block.visible_to_staff_only:
            raise Http404


class StudioVisit(_Requests):
    """One author's requests to Studio, each in a transaction."""

    def __init__(self, world, author, *, is_editing):
        super().__init__(world, author)
        self._is_editing = is_editing

    def render(self, block_type, url_name, view=None):
        """Return the preview, or in the edit dialog its ``studio_view``."""
        return super().render(
            block_type, url_name, view or ("studio_view" if self._is_editing else "preview")
        )

    def _render(self, block, view):
        return super()._render(block, block.runtime.view_for(block) if view == "preview" else view)

    def _runtime(self):
        world = self._world
        return StudioRuntime(
            world.course,
            user=self._real_user,
            is_editing=self._is_editing,
            session=world.session_of(self._real_user),
        )

    def _around(self):
        # ATOMIC_REQUESTS: an exception takes the request's rows with it.
        return transaction.atomic()

    def _after(self, block):
        # Every handler call of an author ends with an update of the block in the draft course.
        block.save()


def _make_request(body, method):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request.blank("/handler", method=method)
    if method != "GET":
        request.body = content
        request.content_type = "application/json"
    return request


def _json_of(response):
    try:
        return json.loads(response.body)
    except ValueError:
        return None
