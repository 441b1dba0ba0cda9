"""The machine interface speaks JSON whatever the caller says it prefers."""

from rest_framework.negotiation import BaseContentNegotiation


class JsonOnly(BaseContentNegotiation):
    def select_parser(self, request, parsers):  # type: ignore[no-untyped-def]  # untyped base class
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):  # type: ignore[no-untyped-def]  # as above
        return renderers[0], renderers[0].media_type
