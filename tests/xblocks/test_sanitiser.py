"""Author HTML: what may reach a page, element by element (reliability T01, T06)."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integra_xblocks.sanitiser import sanitise, to_plain_text


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@pytest.mark.parametrize(
    "html",
    [
        "<p>Una <strong>palabra</strong> &amp; otra</p>",
        '<table><tbody><tr><th scope="row">Masa</th><td>0,18</td></tr></tbody></table>',
        '<a href="/jump_to_id/m06-u03">unidad</a>',
        '<a href="https://example.org/">fuera</a>',
        '<img src="/static/feria.png" alt="Una feria">',
        "<blockquote><p>Prueba rápida</p></blockquote>",
    ],
)
def test_what_lessons_need_stays_as_it_is(html: str) -> None:
    assert sanitise(html) == html


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        '<p onclick="alert(1)">x</p>',
        '<p style="color:red" class="integra-button" id="x">x</p>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" jav&#x09;ascript:alert(1)">x</a>',
        '<a href="//evil.example/">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<img src="https://evil.example/pixel.png">',
        '<img src="//evil.example/pixel.png">',
        '<img src=x onerror="alert(1)">',
        "<svg><script>alert(1)</script></svg>",
        "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
        '<iframe src="https://evil.example"></iframe>',
        '<form action="/x"><input name="a"></form>',
        "<!-- comment --><p>x</p>",
    ],
)
def test_what_could_act_or_reach_out_is_taken_away(html: str) -> None:
    read = _Reader(sanitise(html))
    assert set(read.tags) <= {"p", "a", "img"}
    assert [(name, value) for name, value in read.attributes if name != "alt"] == []


@given(st.text(alphabet="<>/\"'=&; abcdeimgpsrctonhxl:#\\\x00`!-", max_size=80))
@settings(max_examples=300, deadline=None)
def test_nothing_left_has_a_handler_or_a_foreign_address(html: str) -> None:
    read = _Reader(sanitise(html))
    assert not {"script", "style", "iframe", "svg", "form", "input"} & set(read.tags)
    assert not [
        name for name, _ in read.attributes if name.startswith("on") or name in ("style", "class", "id")
    ]


def test_plain_text_has_no_tags_and_no_entities() -> None:
    assert to_plain_text("<p>Bien &amp; <em>completo</em>:</p>\n<p>3 &lt; 4</p>") == "Bien & completo: 3 < 4"
