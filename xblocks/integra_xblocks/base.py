"""What every block of ours shares: strict handlers, templates, fragments, OLX children, the edit dialog.

A block subclasses :class:`BaseBlock` and adds fields, views and handlers. Conventions:

* A handler is ``@json_post`` and does four things: authorise (``writer(self)``), parse
  (``self.parse(request, Command)``), call one function, return a dict. Every refusal (``BodyError``,
  ``ReadOnly``, ``GradebookError``) becomes ``{"code", "message", "field"}`` with a 4xx status.
* A view calls ``self.build_fragment(...)``: template + shared and own stylesheet and script.
* Texts people read are ``self.t("English")``; in templates ``{% t "English" %}``.
* ``OWN_TAGS``, ``read_children`` and ``write_children`` carry content that stands in child elements of the OLX.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from django.template import Context, Engine
from lxml import etree
from web_fragments.fragment import Fragment
from webob import Request, Response
from xblock.core import XBlock
from xblock.fields import List, Scope, String
from xblock.validation import ValidationMessage

from integra_gradebook.api import DocumentInvalid, GradebookError
from integra_xblocks import editing, platform
from integra_xblocks.bodies import BodyError, parse_body
from integra_xblocks.content import Problem
from integra_xblocks.messages import COMMON_TEXTS, get_message, get_status

Command = TypeVar("Command")
Handler = Callable[[Any, Request], dict[str, Any]]

# Compiled templates stay in the engine's cached loader for the life of the process.
_ENGINE = Engine(
    dirs=[str(Path(__file__).parent / "templates")], autoescape=True, builtins=["integra_xblocks.tags"]
)


def json_post(method: Handler) -> Callable[[Any, Request, str], Response]:
    """Turn ``method(self, request) -> dict`` into a handler that always answers JSON.

    POST only; refusals of the body, of the platform guard and of the gradebook become 4xx answers with a
    stable code and a sentence in the reader's language.
    """

    @XBlock.handler
    @functools.wraps(method)
    def handler(self: BaseBlock, request: Request, suffix: str = "") -> Response:
        try:
            if request.method != "POST":
                raise BodyError("method_not_allowed", "Only POST is allowed.", status=405)
            return json_response(method(self, request))
        except platform.ReadOnly as error:
            return json_response(_describe(self, error.code, "", ""), 403)
        except (BodyError, GradebookError) as error:
            status = getattr(error, "status", None) or get_status(error.code)
            body = _describe(self, error.code, error.message, error.field)
            return json_response({**body, **_describe_problems(error)}, status)

    return handler


def json_response(body: Mapping[str, Any], status: int = 200) -> Response:
    """Return ``body`` as a JSON response that no cache keeps."""
    response = Response(json.dumps(body, ensure_ascii=False), status=status)
    response.content_type = "application/json"
    response.charset = "utf-8"
    response.headers["Cache-Control"] = "no-store"
    return response


def _describe(block: BaseBlock, code: str, message: str, field: str) -> dict[str, str]:
    known = get_message(code)
    return {"code": code, "message": block.t(known) if known else message, "field": field}


def _describe_problems(error: Exception) -> dict[str, Any]:
    """A document and an edited content name everything that is to mend, not only the first problem."""
    if isinstance(error, DocumentInvalid):
        return {"problems": [dataclasses.asdict(problem) for problem in error.problems]}
    problems = getattr(error, "problems", ())
    return {"problems": list(problems)} if problems else {}


@XBlock.needs("i18n", "user")
@XBlock.wants("completion", "enrollments", "settings")
class BaseBlock(XBlock):
    """Shared behaviour; not a block type itself."""

    # Names of fields that say which place of the course this block is; a copy must not keep them.
    IDENTITY_FIELDS: ClassVar[tuple[str, ...]] = ()
    # Child elements of the OLX that are ours, and the fields they are read into.
    OWN_TAGS: ClassVar[frozenset[str]] = frozenset()
    CHILD_FIELDS: ClassVar[tuple[str, ...]] = ()
    # Name of the folder under public/ with the block's own style and script (scripts/compact.py makes .min of both).
    FOLDER: ClassVar[str] = ""
    # Files under public/ itself, a stylesheet and a script of each name, loaded before the block's own.
    SHARED_FILES: ClassVar[tuple[str, ...]] = ("integra",)
    # Name of the JavaScript function on window, called as (runtime, element, arguments); "" for no script.
    INIT_FUNCTION: ClassVar[str] = ""

    icon_class = "other"

    display_name = String(scope=Scope.settings, default="")
    import_problems = List(scope=Scope.content, default=[], help="What could not be read when importing.")

    # --- texts and templates -------------------------------------------------------------------------------

    def t(self, message: str, **values: Any) -> str:
        """Return ``message`` in the reader's language with its ``{placeholders}`` filled."""
        text = platform.translate(self, message)
        return text.format(**values) if values else text

    def render_template(self, name: str, context: Mapping[str, Any]) -> str:
        """Return ``templates/<name>`` rendered with autoescaping and the ``{% t %}`` tag."""
        full = {"translate": functools.partial(platform.translate, self), "block": self, **context}
        return _ENGINE.get_template(name).render(Context(full))

    def build_fragment(
        self,
        template: str,
        context: Mapping[str, Any],
        *,
        viewer: platform.Viewer,
        texts: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> Fragment:
        """Return the page part of a view.

        Args:
            template: File under ``templates/``.
            context: Its variables; ``read_only`` and ``element_id`` (a prefix for ids, different for every
                block of a page) are added.
            viewer: From ``platform.viewer(self)``.
            texts: Translated texts the script shows, beyond the common ones.
            arguments: More values for the script (never people's text, a key or a score).
        """
        element_id = f"integra-{self.short_digest(platform.usage_key(self))}"
        html = self.render_template(
            template, {"read_only": viewer.read_only, "element_id": element_id, **context}
        )
        fragment = Fragment(html)
        for path in (*self.SHARED_FILES, f"{self.FOLDER}/style"):
            fragment.add_css_url(self.runtime.local_resource_url(self, f"public/{path}.min.css"))
        if not self.INIT_FUNCTION:
            return fragment
        for path in (*self.SHARED_FILES, f"{self.FOLDER}/script"):
            fragment.add_javascript_url(self.runtime.local_resource_url(self, f"public/{path}.min.js"))
        fragment.initialize_js(
            self.INIT_FUNCTION,
            {
                "owner": platform.device_owner(self),
                "usage": element_id,
                "version": self.content_version(),
                "readOnly": viewer.read_only,
                "texts": {name: self.t(text) for name, text in COMMON_TEXTS.items()} | dict(texts or {}),
                **arguments,
            },
        )
        return fragment

    # --- requests ------------------------------------------------------------------------------------------

    def parse(self, request: Request, command: type[Command]) -> Command:
        """Return the request's body as an instance of the dataclass ``command``; see ``bodies.parse_body``."""
        return parse_body(request.body, command)

    # --- content -------------------------------------------------------------------------------------------

    def content_version(self) -> str:
        """Return a short digest of the content, so that a draft never meets changed content."""
        values = [getattr(self, name) for name in self.CHILD_FIELDS]
        return self.short_digest(json.dumps(values, sort_keys=True, ensure_ascii=False, default=str))

    @staticmethod
    def short_digest(text: str) -> str:
        """Return 12 hex digits that stand for ``text``."""
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def read_children(cls, elements: Iterable[etree._Element]) -> tuple[dict[str, Any], list[str]]:
        """Return the values of ``CHILD_FIELDS`` and a sentence per problem; never raises."""
        return {}, []

    def write_children(self, node: etree._Element) -> None:
        """Append the child elements that ``read_children`` reads."""

    @classmethod
    def parse_xml(cls, node: etree._Element, runtime: Any, keys: Any) -> BaseBlock:
        """Read the block from OLX; what cannot be read is kept as a problem for the author.

        An exception here would make the block vanish from its unit while the import reports success.
        """
        problems = cls._drop_unreadable_attributes(node)
        own = [child for child in node if child.tag in cls.OWN_TAGS]
        values, child_problems = cls.read_children(own)
        for child in own:
            node.remove(child)  # the rest (a pasted block's "option" elements) is the platform's
        block: BaseBlock = super().parse_xml(node, runtime, keys)
        for name, value in values.items():
            setattr(block, name, value)
        if problems or child_problems:
            block.import_problems = problems + child_problems
        return block

    @classmethod
    def _drop_unreadable_attributes(cls, node: etree._Element) -> list[str]:
        problems = []
        for name, text in list(node.attrib.items()):
            field = cls.fields.get(name)
            try:
                if field is not None:
                    field.enforce_type(field.from_string(text))
            except (TypeError, ValueError, yaml.YAMLError) as error:
                problems.append(f"{name}: {error}")
                del node.attrib[name]
        return problems

    def add_xml_to_node(self, node: etree._Element) -> None:
        """Write the block as OLX, with its content as child elements."""
        super().add_xml_to_node(node)
        for name in (*self.CHILD_FIELDS, "import_problems"):
            node.attrib.pop(name, None)
        self.write_children(node)

    # --- Studio --------------------------------------------------------------------------------------------

    def validate(self) -> Any:
        """Return what Studio shows above the block: problems of the import and missing identity."""
        validation = super().validate()
        for problem in self.list_problems():
            validation.add(ValidationMessage(ValidationMessage.ERROR, problem))
        return validation

    def list_problems(self) -> list[str]:
        """Return a sentence per thing an author must mend; extend it in the block."""
        missing = [
            self.t("This copy has no {name} yet: set it, so that two blocks do not count as one.", name=name)
            for name in self.IDENTITY_FIELDS
            if not getattr(self, name)
        ]
        return [*self.import_problems, *missing]

    def studio_post_duplicate(self, store: Any, source_item: Any) -> bool:
        """Take the identity from a copy, which would otherwise feed the same standing twice."""
        return self._forget_identity(store)

    def studio_post_paste(self, store: Any, source_node: Any) -> bool:
        """Take the identity from a pasted block; see ``studio_post_duplicate``."""
        return self._forget_identity(store)

    def _forget_identity(self, store: Any) -> bool:
        for name in self.IDENTITY_FIELDS:
            setattr(self, name, self.fields[name].default)
        store.update_item(self, None)
        return False  # the platform goes on with children itself

    def studio_view(self, context: Any = None) -> Fragment:
        """Show the edit dialog: the block's fields as one YAML text, checked before saving; in Studio only."""
        # An LMS may be set to render any view by its name, and this one holds every key.
        if not platform.is_author_mode(self):
            return Fragment()
        return editing.build_edit_form(self)

    @json_post
    def studio_check(self, request: Request) -> dict[str, Any]:
        """Tell what is to mend in an edited text, line by line, and show a preview; Studio only."""
        platform.require_author(self)
        return editing.check(self, request)

    @json_post
    def studio_write(self, request: Request) -> dict[str, Any]:
        """Return the values of the dialog's form as text; Studio only."""
        platform.require_author(self)
        return editing.write(request)

    @json_post
    def studio_submit(self, request: Request) -> dict[str, Any]:
        """Save what the edit dialog sends, or refuse it with every problem; Studio only."""
        platform.require_author(self)
        editing.save(self, request)
        return {"saved": True}

    def get_editable(self) -> dict[str, Any]:
        """Return the values an author edits, by name."""
        return {name: getattr(self, name) for name in (*self.IDENTITY_FIELDS, *self.CHILD_FIELDS)}

    def check_editable(self, values: Mapping[str, Any]) -> list[Problem]:
        """Return what is to mend in edited ``values``; empty when they may be saved."""
        return []

    def apply_editable(self, values: Mapping[str, Any]) -> None:
        """Set the fields from ``values`` that were checked."""
        for name, value in values.items():
            setattr(self, name, value)

    def list_notices(self, values: Mapping[str, Any]) -> list[str]:
        """Return what an author should know before saving ``values``, in the author's language."""
        return []

    def describe_form(self) -> dict[str, Any]:
        """Return what the dialog's form offers; empty where the text is all there is."""
        return {}

    def render_preview(self, values: Mapping[str, Any]) -> str:
        """Return a whole page that shows ``values`` as learners get them; empty where the block has none."""
        return ""
