"""The runtime services an LMS or Studio puts before a block."""

import gettext
import re
from pathlib import Path
from sys import modules

from common.djangoapps.student.models import user_by_anonymous_id
from django.conf import settings
from django.utils import translation
from xblock.reference.user_service import UserService, XBlockUser

PREFIX = "edx-platform."


class PlatformUserService(UserService):
    """The person a block sees, with the attributes the platform gives under its own prefix."""

    def __init__(self, user, *, anonymous_user_id, is_staff, is_global_staff, role):
        super().__init__()
        self._user = user
        self._attributes = {
            "anonymous_user_id": anonymous_user_id,
            "deprecated_anonymous_user_id": anonymous_user_id,
            "user_is_staff": is_staff,
            "user_is_global_staff": is_global_staff,
            "user_is_beta_tester": False,
            "user_role": role,
        }

    def get_current_user(self):
        person = XBlockUser(is_current_user=True)
        is_somebody = self._user is not None and self._user.is_authenticated
        person.opt_attrs[PREFIX + "is_authenticated"] = is_somebody
        person.opt_attrs[PREFIX + "request_country_code"] = None
        if not is_somebody:
            return person
        person.full_name = None  # there is no profile here
        person.emails = [self._user.email]
        person.opt_attrs[PREFIX + "user_id"] = self._user.id
        person.opt_attrs[PREFIX + "username"] = self._user.username
        person.opt_attrs[PREFIX + "user_preferences"] = {"pref-lang": "es-419"}
        person.opt_attrs.update({PREFIX + name: value for name, value in self._attributes.items()})
        return person

    def get_user_by_anonymous_id(self, uid=None):
        return user_by_anonymous_id(uid or self._attributes["anonymous_user_id"])


class PlatformI18nService:
    """Finds the catalogue compiled into the block's own package (domain ``text``), else the platform's."""

    def __init__(self, block):
        self._translator = _find_catalogue(block) or translation

    def __getattr__(self, name):
        return getattr(self._translator, {"ugettext": "gettext", "ungettext": "ngettext"}.get(name, name))

    def strftime(self, moment, form):
        return moment.strftime(form)

    def get_javascript_i18n_catalog_url(self, block):
        return None


def _find_catalogue(block):
    package = modules[block.unmixed_class.__module__.split(".")[0]]
    if not getattr(package, "__file__", None):
        return None
    locale = translation.to_locale(translation.get_language() or settings.LANGUAGE_CODE)
    try:
        return gettext.translation("text", str(Path(package.__file__).parent / "translations"), [locale])
    except OSError:
        return None


class PlatformReplaceUrls:
    """Rewrites the course's own addresses in HTML; the LMS does it to fragments, never to handlers' answers."""

    def __init__(self, course_key):
        self._course_key = course_key

    def replace_urls(self, text, static_replace_only=False):
        key = self._course_key
        run = str(key).removeprefix("course-v1:")
        text = re.sub(
            r"""(?P<q>\\?['"])/static/(?P<name>[^'"\\]+)""",
            lambda m: f"{m['q']}/asset-v1:{run}+type@asset+block@{m['name'].replace('/', '_')}",
            text,
        )
        if static_replace_only:
            return text
        text = re.sub(r"""(\\?['"])/course/""", rf"\g<1>/courses/{key}/", text)
        return re.sub(r"""(\\?['"])/jump_to_id/""", rf"\g<1>/courses/{key}/jump_to_id/", text)


class PlatformSettingsService:
    """XBLOCK_SETTINGS by class name, or by the block's own ``block_settings_key``."""

    def get_settings_bucket(self, block, default=None):
        if not block:
            raise ValueError("a block is needed")
        bucket = getattr(block, "block_settings_key", block.unmixed_class.__name__)
        return settings.XBLOCK_SETTINGS.get(bucket, {} if default is None else default)
