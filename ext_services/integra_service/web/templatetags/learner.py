"""What templates of the learners' pages ask for."""

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integra_service.web.sessions import WHOSE_FIELD, name_holder
from integra_service.web.ways_out import Way, list_ways_out

register = template.Library()


@register.simple_tag(takes_context=True)
def own_form(context: RequestContext) -> SafeString:
    """Write what each form of a learner's page carries: the CSRF token, and whose page it is."""
    return format_html(
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}"><input type="hidden" name="{}" value="{}">',
        context["csrf_token"],
        WHOSE_FIELD,
        name_holder(context["request"].session),
    )


@register.simple_tag(takes_context=True)
def ways_out(context: RequestContext) -> list[Way]:
    """Return where who reads this page can go on."""
    return list_ways_out(context["request"], context.get("way_out"))
