"""The outline with what one learner has done, read from the gradebook's record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain

from django.conf import settings
from django.contrib.auth.models import User
from xblock.core import XBlock

from integra_aula.course import Chapter, Course, Section
from integra_aula.runtime import AulaRuntime
from integra_gradebook import api
from integra_gradebook.results import Learner, Record

# What is said of a module in one of the states that end it.
FINISHED = {"done": "Módulo terminado", "exempt": "Módulo reconocido por evaluación"}


@dataclass(frozen=True, slots=True)
class OutlinePage:
    """One line: it opens the section's first page."""

    key: str
    title: str
    is_complete: bool


@dataclass(frozen=True, slots=True)
class OutlineChapter:
    """One heading with its lines; ``state`` is the module's standing or empty. One heading at most is current."""

    title: str
    state: str
    status: str
    pages: tuple[OutlinePage, ...]
    is_finished: bool
    is_current: bool = False


def outline_for(course: Course, user: User) -> tuple[OutlineChapter, ...]:
    """Return the outline as ``user`` sees it; the facilitator's desk is opened from "mi avance", not from here."""
    learner = Learner(user.pk, settings.ENVIRONMENT.course_key)
    record = api.get_record(learner, now=datetime.now(UTC))
    runtime = AulaRuntime(user)
    chapters = [_chapter(chapter, record, runtime) for chapter in course.chapters]
    current = next((chapter for chapter in chapters if chapter.pages and not chapter.is_finished), None)
    return tuple(replace(chapter, is_current=chapter is current) for chapter in chapters if chapter.pages)


def _chapter(chapter: Chapter, record: Record, runtime: AulaRuntime) -> OutlineChapter:
    sections = [section for section in chapter.sections if section.is_in_outline and section.units]
    blocks = [_list_blocks(section, runtime) for section in sections]
    completions = [_list_completions(each, record) for each in blocks]
    pages = tuple(
        # A section that asks for nothing is never done.
        OutlinePage(section.units[0].key, section.title, bool(done) and all(done))
        for section, done in zip(sections, completions, strict=True)
    )
    state = _module_state(chain.from_iterable(blocks), record)
    is_finished = state in FINISHED if state else all(chain.from_iterable(completions))
    return OutlineChapter(chapter.title, state, FINISHED.get(state, ""), pages, is_finished)


def _list_blocks(section: Section, runtime: AulaRuntime) -> list[XBlock]:
    return [runtime.get_block(block_id) for unit in section.units for block_id in unit.block_ids]


def _module_state(blocks: Iterable[XBlock], record: Record) -> str:
    """Return the state of the module whose standing one of the blocks shows; empty where none does."""
    states = {module.key: module.state for module in record.modules}
    shown = (block.module_key for block in blocks if block.scope_ids.block_type == "integra_module")
    return next((states.get(key, "") for key in shown), "")


def _list_completions(blocks: Iterable[XBlock], record: Record) -> list[bool]:
    """Say of each block that asks for something whether it is done."""
    return [is_done for block in blocks if (is_done := _block_is_done(block, record)) is not None]


def _block_is_done(block: XBlock, record: Record) -> bool | None:
    """Return what the record says of one block; None for blocks that ask for nothing."""
    match block.scope_ids.block_type:
        case "integra_lesson" | "integra_practice":
            units = {unit.key: unit.is_complete for module in record.modules for unit in module.units}
            return units.get(block.unit_key, False)
        case "integra_test":
            closed = {closing.bank for closing in record.closings if closing.best is not None}
            done = {
                "pre": record.has_pre,
                "post": record.post is not None,
                "closing": block.bank_id in closed,
            }
            return done.get(block.kind)
        case "integra_deliverable":
            states = {deliverable.key: deliverable.state for deliverable in record.deliverables}
            return states.get(block.deliverable_key) == "accepted"
        case "integra_module":
            return _module_state([block], record) in FINISHED
        case _:
            return None
