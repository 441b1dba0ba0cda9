"""Where fields live: content in the course, learner state in one JSON row per person and block."""

import json

from lms.djangoapps.courseware.models import StudentModule
from xblock.exceptions import InvalidScopeError
from xblock.field_data import FieldData
from xblock.fields import Scope

AUTHORED = frozenset({Scope.content, Scope.settings, Scope.children, Scope.parent})
# xmodule's InheritanceMixin: a field of one of these names takes its default from the parents.
INHERITABLE = frozenset(
    {
        "start",
        "due",
        "graded",
        "format",
        "graceperiod",
        "max_attempts",
        "showanswer",
        "show_correctness",
        "rerandomize",
        "show_reset_button",
        "self_paced",
        "relative_weeks_due",
        "visible_to_staff_only",
        "user_partitions",
        "group_access",
        "days_early_for_beta",
        "static_asset_path",
        "hide_from_toc",
        "course_edit_method",
        "giturl",
        "in_entrance_exam",
    }
)


class PlatformFieldData(FieldData):
    """Field data of one visit.

    ``can_author`` is true in Studio and during import; elsewhere content is read-only, as in the LMS.
    ``learner`` keeps user fields; ``None`` where no learner is bound (import, publishing, Studio's edit dialog).
    """

    def __init__(self, content, *, can_author, learner):
        self._content = content
        self._can_author = can_author
        self._learner = learner

    def get(self, block, name):
        return self._store(block, name)[_key(block, name)]

    def has(self, block, name):
        if self._learner is None and block.fields[name].scope not in AUTHORED:
            return False  # so that a user field reads as its default where nobody is bound
        return _key(block, name) in self._store(block, name)

    def set(self, block, name, value):
        self.set_many(block, {name: value})

    def set_many(self, block, update_dict):
        changed = {}
        for name, value in update_dict.items():
            store = self._store(block, name)
            if store is self._content and not self._can_author:
                raise InvalidScopeError(f"{name} is content: learners' requests cannot write it")
            store[_key(block, name)] = value
            changed[id(store)] = store
        for store in changed.values():
            if store is not self._content:
                store.flush()

    def delete(self, block, name):
        self._store(block, name).pop(_key(block, name), None)

    def default(self, block, name):
        """Return an inheritable field's value from the nearest ancestor that sets it."""
        if name in INHERITABLE:
            ancestor = block
            while ancestor is not None:
                ancestor = ancestor.get_parent() if ancestor.parent else None
                if ancestor is not None and ancestor.fields.get(name) and self.has(ancestor, name):
                    return self.get(ancestor, name)
        raise KeyError(name)

    def _store(self, block, name):
        scope = block.fields[name].scope
        if scope in AUTHORED:
            return self._content
        if self._learner is None:
            raise InvalidScopeError(f"{name}: no learner is bound")
        return self._learner.store_for(block, scope)


def _key(block, name):
    return (block.scope_ids.usage_id, name)


class StudentModules:
    """The learner state of one person in the LMS, read once per request."""

    def __init__(self, user, course_key, shared):
        self._read = {}
        self._user = user
        self._course_key = course_key
        self._shared = shared

    def store_for(self, block, scope):
        if scope == Scope.user_state:
            usage_key = block.scope_ids.usage_id
            if usage_key not in self._read:
                self._read[usage_key] = StudentModuleState(self._user, self._course_key, block.scope_ids)
            return self._read[usage_key]
        # preferences, user_info and user_state_summary: one shared place, which is all our blocks could notice.
        owner = None if scope == Scope.user_state_summary else self._user.pk
        return self._shared.setdefault((owner, str(scope)), MemoryState())


class StudentModuleState(dict):
    """One row's JSON as a mapping; ``flush`` writes it back whole."""

    def __init__(self, user, course_key, scope_ids):
        super().__init__()
        self._user = user
        self._usage_key = scope_ids.usage_id
        self._where = {"student": user, "module_state_key": scope_ids.usage_id, "course_id": course_key}
        self._type = scope_ids.block_type
        row = StudentModule.objects.filter(**self._where).first()
        if row is not None and row.state:
            self.update({(self._usage_key, name): value for name, value in json.loads(row.state).items()})

    def flush(self):
        state = json.dumps({name: value for (_usage_key, name), value in self.items()})
        StudentModule.objects.update_or_create(
            **self._where, defaults={"state": state, "module_type": self._type}
        )


class MemoryState(dict):
    """Learner state that lasts as long as its owner: Studio's session, or a shared scope."""

    def flush(self):
        json.dumps({str(key): value for key, value in self.items()})


class SessionState:
    """Studio keeps the preview's learner state in the author's session."""

    def __init__(self):
        self._state = MemoryState()

    def store_for(self, block, scope):
        return self._state
