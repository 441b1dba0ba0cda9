"""Blocks that do nothing but show what a runtime gives and does."""

import crum
from django.contrib.auth.models import Group
from django.db import connection
from web_fragments.fragment import Fragment
from webob import Response
from xblock.completable import CompletableXBlockMixin
from xblock.core import XBlock
from xblock.fields import Integer, Scope, String

PREFIX = "edx-platform."


@XBlock.needs("user", "i18n")
@XBlock.wants("completion", "enrollments", "replace_urls", "settings", "submissions")
class ProbeBlock(XBlock):
    """Tells who is there, counts its calls, and fails on request."""

    has_author_view = True
    display_name = String(scope=Scope.settings, default="")
    limit = Integer(scope=Scope.settings, default=1)
    format = String(scope=Scope.settings)
    count = Integer(scope=Scope.user_state, default=0)

    def student_view(self, context=None):
        link = '<a href="/jump_to_id/e1">x</a><img src="/static/a.png">'
        fragment = Fragment(f"<p>student {self.count}</p>{link}")
        fragment.initialize_js("ProbeBlock", {"count": self.count})
        return fragment

    def author_view(self, context=None):
        return Fragment("<p>author</p>")

    def studio_view(self, context=None):
        return Fragment("<p>edit</p>")

    @XBlock.json_handler
    def look(self, data, suffix=""):
        attributes = self.runtime.service(self, "user").get_current_user().opt_attrs
        real = crum.get_current_user()
        services = ("completion", "enrollments", "replace_urls", "settings", "submissions")
        return {
            "user_id": attributes.get(PREFIX + "user_id"),
            "is_staff": attributes.get(PREFIX + "user_is_staff"),
            "anonymous": attributes.get(PREFIX + "anonymous_user_id"),
            "real": real.pk if real else None,
            "scope_user_id": self.scope_ids.user_id,
            "author_mode": getattr(self.runtime, "is_author_mode", "absent"),
            "atomic_depth": len(connection.savepoint_ids) + connection.in_atomic_block,
            "usage": str(self.scope_ids.usage_id),
            "services": [name for name in services if self.runtime.service(self, name) is not None],
            "suffix": suffix,
        }

    @XBlock.json_handler
    def step(self, data, suffix=""):
        """Count, write a row, then do as told."""
        self.count += 1
        Group.objects.create(name=f"group-{Group.objects.count()}")
        if data.get("raise"):
            raise RuntimeError("as told")
        return {"count": self.count}

    @XBlock.json_handler
    def author(self, data, suffix=""):
        self.limit = data["limit"]
        return {}

    @XBlock.json_handler
    def undeclared(self, data, suffix=""):
        self.runtime.service(self, "fs")

    @XBlock.json_handler
    def enrolled(self, data, suffix=""):
        service = self.runtime.service(self, "enrollments")
        course_key = self.scope_ids.usage_id.course_key
        one = service.get_active_enrollments_by_course_and_user(course_key, data["user_id"])
        many = service.get_active_enrollments_by_course(course_key).filter(user_id=data["user_id"])
        return {"one": one is not None, "many": many.exists()}

    @XBlock.handler
    def plain(self, request, suffix=""):
        return Response(body=b"plain")

    def not_a_handler(self, request, suffix=""):
        raise AssertionError("never called")


class ScoredBlock(CompletableXBlockMixin, XBlock):
    """Publishes whatever it is asked to."""

    has_score = True

    def max_score(self):
        return 1

    def student_view(self, context=None):
        return Fragment("<p>scored</p>")

    @XBlock.json_handler
    def tell(self, data, suffix=""):
        self.runtime.publish(self, data["type"], data["event"])
        return {}


class PlainScoredBlock(ScoredBlock):
    """Leaves completion to the platform."""

    has_custom_completion = False


@XBlock.needs("user")
class NeedsLearnerBlock(ScoredBlock):
    """Makes the mistake that breaks every page of a course: its maximum depends on the learner."""

    def max_score(self):
        return len(self.runtime.service(self, "user").get_current_user().opt_attrs)
