"""Every page, file and answer a learner can get holds no key, no score and no feedback before its time.

A crawler follows every link and file of the delivered course from its first page; what it finds is searched for all
that the banks hold back.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from itertools import cycle, repeat
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import pytest
from django.test import Client
from lxml import etree

from integra_aula.course import get_course
from integra_aula.runtime import AulaRuntime

pytestmark = pytest.mark.django_db(transaction=True)

# What a key would be called in markup or in an answer; scripts have words of their own.
MARKS = ('"correct"', "is_correct", "data-correct", "data-right=", '"points"', "item_rest", '"target"')


class Visitor:
    """A learner's browser without a screen; remembers everything it was given."""

    def __init__(self, user: Any) -> None:
        self.client = Client()
        self.client.force_login(user)
        self.runtime = AulaRuntime(user)

    def crawl(self) -> dict[str, str]:
        """Return every page and file that can be reached from the first page, by address."""
        seen: dict[str, str] = {}
        waiting = ["/"]
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            answer = self.client.get(path)
            if answer.status_code in (301, 302):
                waiting.append(urlsplit(answer["Location"]).path)
                continue
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            seen[path] = body.decode("utf-8", "replace")
            if "html" in answer.get("Content-Type", ""):
                waiting.extend(self._list_links(path, seen[path]))
        return seen

    def post(self, usage: str, handler: str, body: Any) -> dict[str, Any]:
        answer = self.client.post(
            f"/bloque/{usage}/{handler}/", json.dumps(body), content_type="application/json"
        )
        assert answer.status_code == 200, answer.content
        result: dict[str, Any] = answer.json()
        return result

    def sit(self, usage: str, options: Iterable[int]) -> list[dict[str, Any]]:
        """Sit a whole test, choosing the option with each number in turn; return every answer of the server."""
        answers = [self.post(usage, "start_attempt", {"uuid": str(uuid4())})]
        attempt = answers[0]["attempt_uuid"]
        choice = iter(options)
        for key, response in self._list_questions(usage, choice):
            body = {"uuid": str(uuid4()), "attempt_uuid": attempt, "item_key": key, "response": response}
            answers.append(self.post(usage, "save_response", body))
        answers.append(self.post(usage, "submit_attempt", {"attempt_uuid": attempt}))
        return answers

    def items(self, usage: str) -> list[dict[str, Any]]:
        return [dict(raw) for raw in self.runtime.get_block(usage).items]

    def _list_questions(self, usage: str, choice: Iterator[int]) -> list[tuple[str, Any]]:
        known = {raw["key"]: raw for raw in self.items(usage)}
        page = etree.HTML(self.page_of(usage))
        keys = [str(key) for key in page.xpath("//*[@data-integra='item']/@data-key") if key in known]
        assert keys
        return [(key, answer_to(known[key], next(choice))) for key in keys]

    def page_of(self, usage: str) -> str:
        for _, _, unit in get_course().units():
            if usage in unit.block_ids:
                return self.client.get(f"/unidad/{unit.key}/").content.decode()
        raise AssertionError(usage)

    @staticmethod
    def _list_links(path: str, text: str) -> Iterator[str]:
        tree = etree.HTML(text)
        for address in tree.xpath("//@href | //@src"):
            target = urlsplit(urljoin(path, str(address)))
            if (
                not target.scheme
                and not target.netloc
                and target.path
                and not target.path.startswith("/salir")
            ):
                yield target.path


def answer_to(raw: dict[str, Any], number: int) -> dict[str, Any]:
    options = raw.get("options")
    if raw["kind"] == "numeric":
        return {"number": "7"}
    assert raw["kind"] == "single"
    return {"option": options[number % len(options)]["key"]}


def usages(block_type: str) -> list[str]:
    return [usage for usage in get_course().usage_by_url_name.values() if f".{block_type}." in usage]


def held_back(raw: dict[str, Any]) -> set[str]:
    """Return what tells the answer of an item: feedback of every part, and the names of mistakes."""
    found: set[str] = set()

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, child in value.items():
                walk(child, f"{name}.{key}")
        elif isinstance(value, list | tuple):
            for child in value:
                walk(child, name)
        elif "feedback" in name or name.endswith(".error"):
            found.add(plain(str(value)))

    walk(raw, "")
    return {text for text in found if len(text) > 12}


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", text))).strip()


def leaks(texts: dict[str, str] | list[Any], secrets: Iterable[str]) -> list[tuple[str, str]]:
    """Return which secret stands where."""
    named = texts if isinstance(texts, dict) else {"answers": json.dumps(texts, ensure_ascii=False)}
    searched = {where: (plain(text), text) for where, text in named.items()}
    return [
        (secret, where)
        for secret in secrets
        for where, pair in searched.items()
        if any(secret in each for each in pair)
    ]


def marks(texts: dict[str, str] | list[Any]) -> list[tuple[str, str]]:
    named = texts if isinstance(texts, dict) else {"answers": json.dumps(texts)}
    return [
        (mark, where)
        for where, text in named.items()
        if not where.endswith((".js", ".css"))
        for mark in MARKS
        if mark in text
    ]


@pytest.fixture
def visitor(learner: Any) -> Visitor:
    return Visitor(learner)


@pytest.fixture
def tests_by_kind(visitor: Visitor) -> dict[str, str]:
    return {visitor.runtime.get_block(usage).kind: usage for usage in usages("integra_test")}


def all_items(visitor: Visitor) -> dict[str, dict[str, Any]]:
    return {
        raw["key"]: raw
        for block_type in ("integra_test", "integra_bypass", "integra_practice")
        for usage in usages(block_type)
        for raw in visitor.items(usage)
    }


def test_before_anything_was_answered_nothing_is_told(visitor: Visitor) -> None:
    items = all_items(visitor)
    assert len(items) > 900
    secrets = set().union(*(held_back(raw) for raw in items.values()))
    assert len(secrets) > 800

    found = visitor.crawl()

    assert len(found) > 120
    assert any(path.endswith(".js") for path in found)
    assert leaks(found, secrets) == []
    assert marks(found) == []
    # Not even the questions of a test or a ring.
    drawn = [
        raw for usage in (*usages("integra_test"), *usages("integra_bypass")) for raw in visitor.items(usage)
    ]
    assert leaks(found, {plain(raw["stem"]) for raw in drawn}) == []


def test_the_first_test_tells_neither_key_nor_score_while_it_is_open_and_after(
    visitor: Visitor, tests_by_kind: dict[str, str]
) -> None:
    usage = tests_by_kind["pre"]
    secrets = set().union(*(held_back(raw) for raw in all_items(visitor).values()))
    visitor.post(usage, "start_attempt", {"uuid": str(uuid4())})
    opened = visitor.crawl()
    assert 'data-integra="item"' in visitor.page_of(usage)
    assert leaks(opened, secrets) == []
    assert marks(opened) == []

    answers = visitor.sit(usage, cycle(range(4)))
    after = visitor.crawl()

    for texts in (answers, after):
        assert leaks(texts, secrets) == []
        assert marks(texts) == []
    assert {key for answer in answers for key in answer} == {
        "attempt_uuid",
        "state",
        "received",
        "remaining_seconds",
    }
    assert re.search(r"\d+\s+de\s+40", plain(visitor.page_of(usage))) is None
    # The questions are gone, those of the other forms never came.
    assert leaks(after, {plain(raw["stem"]) for raw in visitor.items(usage)}) == []


def test_only_the_drawn_form_is_ever_shown(visitor: Visitor, tests_by_kind: dict[str, str]) -> None:
    usage = tests_by_kind["pre"]
    visitor.post(usage, "start_attempt", {"uuid": str(uuid4())})
    page = etree.HTML(visitor.page_of(usage))
    shown = {str(key) for key in page.xpath("//*[@data-integra='item']/@data-key")}
    others = {plain(raw["stem"]) for raw in visitor.items(usage) if raw["key"] not in shown}
    assert len(shown) == 40
    assert len(others) == 80
    assert leaks(visitor.crawl(), others) == []


def test_an_evaluation_tells_what_to_study_and_of_no_answer_whether_it_was_right(visitor: Visitor) -> None:
    usage = next(usage for usage in usages("integra_bypass") if ".m06-" in usage)
    secrets = set().union(*(held_back(raw) for raw in all_items(visitor).values()))

    answers = visitor.sit(usage, repeat(0))
    after = visitor.crawl()

    for texts in (answers, after):
        assert leaks(texts, secrets) == []
        assert marks(texts) == []
    text = plain(visitor.page_of(usage))
    assert re.search(r"\d+\s+de\s+12", text) is None
    assert leaks(after, {plain(raw["stem"]) for raw in visitor.items(usage)}) == []


def test_a_practice_tells_of_the_option_that_was_tried_and_of_no_other(visitor: Visitor) -> None:
    usage = usages("integra_practice")[0]
    raw = next(raw for raw in visitor.items(usage) if raw["kind"] == "single")
    tried = next(option for option in raw["options"] if not option.get("correct"))
    body = {"uuid": str(uuid4()), "item_key": raw["key"], "response": {"option": tried["key"]}}

    answer = visitor.post(usage, "answer", body)

    assert plain(answer["feedback"]) == plain(tried["feedback"])
    others = set().union(*(held_back(each) for each in all_items(visitor).values())) - {
        plain(tried["feedback"])
    }
    assert leaks([answer], others) == []
    assert leaks(visitor.crawl(), others) == []
    assert marks([answer]) == []


def test_the_score_of_the_last_test_comes_when_it_is_sent_and_its_key_never(
    visitor: Visitor, tests_by_kind: dict[str, str]
) -> None:
    usage = tests_by_kind["post"]
    secrets = set().union(*(held_back(raw) for raw in all_items(visitor).values()))
    visitor.post(usage, "start_attempt", {"uuid": str(uuid4())})
    assert re.search(r"<strong>\d+</strong>\s+de\s+40", visitor.page_of(usage)) is None

    answers = visitor.sit(usage, cycle(range(4)))
    after = visitor.crawl()

    assert re.search(r"<strong>\d+</strong>\s+de\s+40", visitor.page_of(usage))
    for texts in (answers, after):
        assert leaks(texts, secrets) == []
        assert marks(texts) == []
    assert leaks(after, {plain(raw["stem"]) for raw in visitor.items(usage)}) == []
