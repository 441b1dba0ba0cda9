"""What a cohort gained and how its tests worked: for its facilitators, without anybody's name.

A fixed number of statements for any size. Every figure comes from ``integra_grading`` with its n, and is silent for
few learners: a facilitator knows everybody here, so a small group's average would be somebody's score.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import QuerySet

from integra_gradebook.errors import GradebookError
from integra_gradebook.models import Attempt, AttemptResponse, Cohort, Enrolment
from integra_gradebook.places import Run, access_cohorts, get_run
from integra_gradebook.results import CohortReport, FormReport, ItemReport, ScoreCount
from integra_gradebook.versions import load_items
from integra_grading.consistency import Consistency, estimate_consistency
from integra_grading.forms import CutRules
from integra_grading.gain import (
    Pair,
    count_reliable_change,
    describe_gain,
    describe_gain_by_order,
    hint_outcomes,
)
from integra_grading.items import UNKNOWN_OPTION, Item, list_errors, parse_response
from integra_grading.statistics import (
    MINIMUM_N,
    OptionStatistics,
    analyse,
    analyse_options,
    compare_forms,
    find_review_reasons,
    measure_exposure,
)

# Every learner gets another form of these.
DRAWN = (Attempt.Kind.BYPASS, Attempt.Kind.CLOSING)


@dataclass(slots=True)
class _Sitting:
    """One submitted attempt with its answers."""

    learner_id: int
    bank_id: str
    form_key: str
    score: int
    max_score: int
    points: dict[str, int] = field(default_factory=dict)  # by item key
    outcomes: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)


def get_cohort_report(
    rater_user_id: int, course_key: str, *, now: datetime, cohort_key: str | None = None
) -> CohortReport:
    """Return gain and item statistics of one of the facilitator's cohorts, or of all of them together.

    Those who left are counted too: they are part of what the coverage tells.
    """
    cohorts = {
        cohort.pk: cohort.key
        for cohort in Cohort.objects.filter(
            pk__in=access_cohorts(rater_user_id, course_key, now=now)
        ).order_by("key")
    }
    if cohort_key is not None:
        asked = [pk for pk, key in cohorts.items() if key == cohort_key]
        if not asked:
            raise GradebookError("cohort_unknown", "cohort_key")
    else:
        asked = list(cohorts)
    run = get_run(course_key)
    everybody = Enrolment.objects.filter(course_id=run.id)
    # Whoever still learns in this run sees neither their own figures nor any option: keys are among these.
    tells_options = not everybody.filter(learner__user_id=rater_user_id).exists()
    enrolments = everybody.filter(cohort_id__in=asked).exclude(learner__user_id=rater_user_id)
    first_forms = dict(enrolments.values_list("learner_id", "first_form"))
    attempts = Attempt.objects.filter(
        course_id=run.id, learner_id__in=list(first_forms), voided_at=None, submitted_at__isnull=False
    )
    items, sittings = _load(attempts)
    pre, post = _first_of_each(sittings[Attempt.Kind.PRE]), _first_of_each(sittings[Attempt.Kind.POST])
    both = sorted(pre.keys() & post.keys())
    pairs = [
        Pair(pre[who].score / pre[who].max_score, post[who].score / post[who].max_score, first_forms[who])
        for who in both
    ]
    forms = tuple(
        report if tells_options else _without_options(report)
        for kind in Attempt.Kind
        for report in _describe_forms(kind, sittings[kind], items, run)
    )
    alphas = [form.alpha for form in forms if form.kind == Attempt.Kind.POST and form.alpha is not None]
    return CohortReport(
        cohorts=tuple(cohorts.values()),
        cohort_key=cohort_key,
        enrolled=len(first_forms),
        minimum=MINIMUM_N,
        pre_scores=_count_scores(pre.values()),
        post_scores=_count_scores(post.values()),
        post_cut=run.rules.tests.post.cut,
        is_cut_provisional=run.rules.tests.post.is_provisional,
        gain=describe_gain(pairs, enrolled=len(first_forms) or None),
        gain_by_order=describe_gain_by_order(pairs),
        # The most careful of the forms' reliabilities: the change has to be beyond the error of either.
        reliable_change=count_reliable_change(pairs, reliability=max(0.0, min(alphas))) if alphas else None,
        outcomes=hint_outcomes((_shares(pre[who]), _shares(post[who])) for who in both),
        equivalence=compare_forms(
            *([s.score for who, s in pre.items() if s.form_key == form] for form in run.rules.tests.pre.forms)
        ),
        forms=forms,
    )


def _load(attempts: QuerySet[Attempt]) -> tuple[dict[str, Item], dict[str, list[_Sitting]]]:
    """Return every item that was drawn, as it was the last time, and the attempts by kind, oldest first."""
    found = {
        pk: (kind, _Sitting(learner_id, bank_id, form_key, score or 0, max_score))
        for pk, kind, learner_id, bank_id, form_key, score, max_score in attempts.order_by(
            "submitted_at", "pk"
        ).values_list("pk", "kind", "learner_id", "bank_id", "form_key", "score", "max_score")
    }
    rows = AttemptResponse.objects.filter(attempt_id__in=list(found)).order_by("attempt__submitted_at", "pk")
    drawn = list(rows.values_list("attempt_id", "item_key", "item_version__digest", "response", "points"))
    items = load_items({digest: digest for _, _, digest, _, _ in drawn})
    by_key: dict[str, Item] = {}
    for attempt_id, key, digest, response, points in drawn:
        sitting, item = found[attempt_id][1], items[digest]
        by_key[key] = item
        sitting.points[key] = points or 0
        sitting.outcomes[item.outcome].append(points or 0)
        sitting.chosen[key] = _name_answer(item, response)
    sittings: dict[str, list[_Sitting]] = defaultdict(list)
    for kind, sitting in found.values():
        sittings[kind].append(sitting)
    return by_key, sittings


def _name_answer(item: Item, raw: object) -> tuple[str, ...]:
    """Return what was chosen: option keys, or for other kinds the named errors; nothing where it was left open."""
    if raw is None:
        return ()
    response = parse_response(item, raw, True)
    return response.chosen if response.is_unknown or _right_options(item) else list_errors(item, response)


def _right_options(item: Item) -> frozenset[str]:
    """Return the keys of the right options; none for kinds whose options are not chosen but ordered or matched."""
    return frozenset(option.key for option in item.options if option.is_correct)


def _first_of_each(sittings: Iterable[_Sitting]) -> dict[int, _Sitting]:
    """Return every learner's first attempt: who repeats would count twice and has seen the questions."""
    first: dict[int, _Sitting] = {}
    for sitting in sittings:
        first.setdefault(sitting.learner_id, sitting)
    return first


def _shares(sitting: _Sitting) -> dict[str, float]:
    return {outcome: sum(points) / len(points) for outcome, points in sitting.outcomes.items()}


def _count_scores(sittings: Iterable[_Sitting]) -> tuple[ScoreCount, ...]:
    """Return how many learners had each score, or nothing for fewer than the minimum."""
    scores = [(sitting.score, sitting.max_score) for sitting in sittings]
    if len(scores) < MINIMUM_N:
        return ()
    counts = Counter(score for score, _ in scores)
    highest = max(max_score for _, max_score in scores)
    return tuple(ScoreCount(score, counts[score]) for score in range(highest + 1))


def _describe_forms(
    kind: Attempt.Kind, sittings: Sequence[_Sitting], items: dict[str, Item], run: Run
) -> Iterable[FormReport]:
    """Yield a report per form of a test; of a drawn kind one for the whole ring, with n per item."""
    is_drawn = kind in DRAWN
    groups: dict[str, list[_Sitting]] = defaultdict(list)
    for sitting in sittings if is_drawn else _first_of_each(sittings).values():
        groups[sitting.bank_id if is_drawn else sitting.form_key].append(sitting)
    for key in sorted(groups):
        yield _describe_form(kind, key, groups[key], items, run)


def _describe_form(
    kind: Attempt.Kind, form_key: str, all_sittings: list[_Sitting], items: dict[str, Item], run: Run
) -> FormReport:
    sittings = list(_first_of_each(all_sittings).values())
    keys = sorted({key for sitting in sittings for key in sitting.points})
    exposure = measure_exposure((sitting.points for sitting in all_sittings), keys)
    statistics = analyse(keys, ([sitting.points.get(key) for key in keys] for sitting in sittings))
    cut_rules: CutRules | None = run.rules.tests.post if kind == Attempt.Kind.POST else None
    consistency: Consistency | None = None
    if cut_rules is not None and statistics.mean is not None and statistics.sd is not None and len(keys) > 1:
        consistency = estimate_consistency(
            mean=statistics.mean, sd=statistics.sd, items=len(keys), cut=min(cut_rules.cut, len(keys))
        )
    reports = []
    for figures in statistics.items:
        item = items[figures.key]
        # What few people chose is what one person chose, and what was right with it.
        is_told = figures.n >= MINIMUM_N
        options = _describe_options(item, figures.key, sittings) if is_told else ()
        right = _right_options(item)
        distractors = [each for each in options if each.key not in right and each.key != UNKNOWN_OPTION]
        reports.append(
            ItemReport(
                key=figures.key,
                outcome=item.outcome,
                level=item.level,
                figures=figures,
                options=options,
                right=tuple(option.key for option in item.options if option.key in right and is_told),
                errors={option.key: option.error for option in item.options if option.error and is_told},
                exposure=exposure[figures.key][0],
                review=find_review_reasons(figures, distractors if right else ()),
            )
        )
    return FormReport(
        kind=str(kind),
        form_key=form_key,
        n=statistics.n,
        mean=statistics.mean,
        sd=statistics.sd,
        max_score=max(sitting.max_score for sitting in sittings),
        alpha=statistics.alpha,
        sem=statistics.sem,
        consistency=consistency,
        items=tuple(reports),
    )


def _without_options(form: FormReport) -> FormReport:
    items = tuple(replace(item, options=(), right=(), errors={}, review=()) for item in form.items)
    return replace(form, items=items)


def _describe_options(item: Item, key: str, sittings: list[_Sitting]) -> tuple[OptionStatistics, ...]:
    had = [sitting for sitting in sittings if key in sitting.points]
    answers = []
    for sitting in had:
        others = len(sitting.points) - 1
        rest = (sum(sitting.points.values()) - sitting.points[key]) / others if others else 0.0
        answers.append((sitting.chosen[key], rest))
    seen = {mark for marks, _ in answers for mark in marks}
    options = [option.key for option in item.options] if _right_options(item) else []
    return analyse_options(answers, [*options, *sorted(seen - set(options))])
