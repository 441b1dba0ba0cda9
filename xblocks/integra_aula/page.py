"""Put the fragments of a unit together into one page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.safestring import SafeString
from web_fragments.fragment import Fragment


@dataclass(frozen=True, slots=True)
class UnitPage:
    """HTML of a unit's blocks and of the files they ask for, each file once."""

    head: SafeString
    body: SafeString
    foot: SafeString


def assemble(fragments: Iterable[Fragment]) -> UnitPage:
    """Return the parts of the page.

    A fragment is HTML by contract (web_fragments): the blocks escape what people typed and sanitise what authors wrote
    before it gets here, exactly as in the LMS. This is the classroom's only place that trusts markup.
    """
    whole = Fragment()
    for fragment in fragments:
        whole.add_content(fragment.body_html())
        whole.add_fragment_resources(fragment)
    return UnitPage(
        SafeString(whole.head_html()), SafeString(whole.body_html()), SafeString(whole.foot_html())
    )
