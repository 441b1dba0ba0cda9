"""The workbench runtime with a real login: what the blocks see in the embedded classroom.

Differs from the stock workbench in four points, each a trap of it: the acting user comes from the session and never
from the address; usage ids are made from ``url_name``, so that inserting a block moves nobody's state; content stays
in memory, only learner state is stored, under a lock; no legacy attribute is written over a block's own fields.
"""

from __future__ import annotations

import gettext
import hashlib
import threading
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.urls import reverse
from lxml import etree
from web_fragments.fragment import Fragment
from workbench.runtime import ID_MANAGER, WORKBENCH_KVS, WorkbenchRuntime
from workbench.services import SettingsService
from xblock.core import XBlock
from xblock.fields import ScopeIds
from xblock.reference.user_service import UserService, XBlockUser
from xblock.runtime import DictKeyValueStore, KeyValueStore, KvsFieldData, Runtime

SCENARIO = "integra"


class AulaKeyValueStore(KeyValueStore):
    """Course content in memory, learner state in the workbench's table."""

    def __init__(self) -> None:
        self._content = DictKeyValueStore()
        # The workbench reads, changes and writes one row per scope; without the lock parallel requests lose fields.
        self._lock = threading.RLock()

    def _store(self, key: KeyValueStore.Key) -> KeyValueStore:
        return self._content if key.user_id is None else WORKBENCH_KVS

    def get(self, key: KeyValueStore.Key) -> Any:
        return self._store(key).get(key)

    def has(self, key: KeyValueStore.Key) -> bool:
        return bool(self._store(key).has(key))

    def set(self, key: KeyValueStore.Key, value: Any) -> None:
        with self._lock:
            self._store(key).set(key, value)

    def delete(self, key: KeyValueStore.Key) -> None:
        with self._lock:
            self._store(key).delete(key)


STORE = AulaKeyValueStore()


class AulaUserService(UserService):
    """The session's user, with the attributes the LMS gives."""

    def __init__(self, user: User | None) -> None:
        if user is None:
            super().__init__(user=XBlockUser(is_current_user=True))
            return
        person = XBlockUser(is_current_user=True, full_name=user.get_full_name())
        person.opt_attrs = {
            "edx-platform.user_id": user.pk,
            "edx-platform.username": user.get_username(),
            "edx-platform.user_is_staff": user.is_staff,
            "edx-platform.user_is_global_staff": False,
            "edx-platform.user_role": "staff" if user.is_staff else "student",
            "edx-platform.anonymous_user_id": anonymous_id(user),
            "edx-platform.user_preferences": {"pref-lang": "es-419"},
        }
        super().__init__(user=person)

    def get_current_user(self) -> XBlockUser:
        return self._user


class AulaI18nService:
    """The blocks' own compiled catalogue, found where the LMS finds it."""

    def __init__(self) -> None:
        self._catalogue = _catalogue()

    def __getattr__(self, name: str) -> Any:
        if name == "ugettext":
            name = "gettext"
        return getattr(self._catalogue, name)


@cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation("text", str(files("integra_xblocks") / "translations"), ["es_419"])


@dataclass(frozen=True, slots=True)
class ActiveEnrolment:
    """The part of the platform's enrolment that blocks use."""

    user_id: int


class AulaEnrolmentsService:
    """Everyone with an account here is enrolled: the demonstration has one course and no enrolment pages."""

    def get_active_enrollments_by_course(self, course_id: object) -> list[ActiveEnrolment]:
        if str(course_id) != settings.ENVIRONMENT.course_key:
            return []
        return [
            ActiveEnrolment(pk) for pk in User.objects.filter(is_active=True).values_list("pk", flat=True)
        ]


class AulaRuntime(WorkbenchRuntime):
    """One learner's view of the course."""

    def __init__(self, user: User | None) -> None:
        Runtime.__init__(
            self,
            ID_MANAGER,
            ID_MANAGER,
            services={
                "field-data": KvsFieldData(STORE),
                "user": AulaUserService(user),
                "i18n": AulaI18nService(),
                "enrollments": AulaEnrolmentsService(),
                "settings": SettingsService(),
            },
        )
        self._acting_user_id = None if user is None else str(user.pk)
        self.course_id = settings.ENVIRONMENT.course_key

    @property
    def user_id(self) -> str | None:
        """The acting user as ``get_block`` puts it into scope ids."""
        return self._acting_user_id

    @user_id.setter
    def user_id(self, value: object) -> None:
        """Ignore what the base class sets: the session decides who acts."""

    def usage_key_of(self, block: XBlock) -> str:
        """Return the block's usage key as the LMS would write it."""
        run = self.course_id.removeprefix("course-v1:")
        _scenario, block_type, url_name, *_rest = str(block.scope_ids.usage_id).split(".")
        return f"block-v1:{run}+type@{block_type}+block@{url_name}"

    def load_block(self, node: etree._Element) -> str:
        """Parse one block of the course into memory and return its usage id."""
        ID_MANAGER.set_scenario(SCENARIO)
        node.attrib.pop("xblock-family", None)
        # A name is no field: left on the element, every block of the course would warn of it at every start.
        definition_id = ID_MANAGER.create_definition(node.tag, slug=node.attrib.pop("url_name"))
        usage_id = ID_MANAGER.create_usage(definition_id)
        block_class = self.mixologist.mix(self.load_block_type(node.tag))
        block = block_class.parse_xml(node, self, ScopeIds(None, node.tag, definition_id, usage_id))
        block.save()
        return str(usage_id)

    def _patch_xblock(self, block: XBlock) -> None:
        """Leave the block alone: the workbench would write over fields named ``due``, ``category`` and so on."""

    def _wrap_ele(
        self, block: XBlock, view: str, frag: Fragment, extra_data: dict[str, str] | None = None
    ) -> Fragment:
        # Past the workbench's version, which adds jQuery; our page has its own small runtime script.
        data = {"usage-id": block.scope_ids.usage_id, **(extra_data or {})}
        return Runtime._wrap_ele(self, block, view, frag, data)

    def handler_url(
        self, block: XBlock, handler_name: str, suffix: str = "", query: str = "", thirdparty: bool = False
    ) -> str:
        if thirdparty:
            raise NotImplementedError("No handler is offered without login.")
        url = reverse("aula_handler", args=[block.scope_ids.usage_id, handler_name, suffix])
        return f"{url}?{query}" if query else url

    def local_resource_url(self, block: XBlock, uri: str) -> str:
        return reverse("aula_resource", args=[block.scope_ids.block_type, uri])

    def publish(self, block: XBlock, event_type: str, event_data: dict[str, object]) -> None:
        """Do nothing: the classroom has no grades or completion of its own; the gradebook's rows are the truth."""


def anonymous_id(user: AbstractBaseUser) -> str:
    """Return the per-course id the LMS would give, 32 hexadecimal digits."""
    text = f"{settings.SECRET_KEY}:{settings.ENVIRONMENT.course_key}:{user.pk}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
