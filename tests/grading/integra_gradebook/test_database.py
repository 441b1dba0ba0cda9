"""The tables on whichever database the tests run."""

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction

from integra_gradebook.models import Attempt, Rating


def test_the_models_and_the_migrations_agree(db):
    call_command("makemigrations", "integra_gradebook", check=True, dry_run=True, verbosity=0)


def test_every_uuid_column_is_one_django_reads_after_an_upgrade(db):
    expected = {"mysql": "char(32)", "sqlite": "char(32)", "postgresql": "uuid"}[connection.vendor]
    for model in apps.get_app_config("integra_gradebook").get_models():
        for field in model._meta.fields:
            if isinstance(field, models.UUIDField):
                assert field.db_type(connection) == expected, f"{model.__name__}.{field.name}"


def test_no_index_combines_two_long_columns():
    for model in apps.get_app_config("integra_gradebook").get_models():
        lists = [index.fields for index in model._meta.indexes]
        lists += [list(c.fields) for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)]
        for names in lists:
            sizes = [getattr(model._meta.get_field(name), "max_length", None) or 0 for name in names]
            assert max(sizes) <= 255
            assert sum(size > 128 for size in sizes) <= 1, f"{model.__name__} {names}"


def test_every_model_says_whether_it_holds_personal_data():
    for model in apps.get_app_config("integra_gradebook").get_models():
        assert ".. pii:" in (model.__doc__ or "") or ".. no_pii:" in (model.__doc__ or ""), model.__name__


def test_a_score_above_its_maximum_is_refused_by_the_database(classroom):
    ana = classroom.learner()
    classroom.take(ana, "post", 8)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.update(score=9)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.update(submitted_at=None)


def test_a_rating_has_a_rater_unless_it_is_automatic(classroom):
    cohort = classroom.cohort("quito-1", "quito")
    rater = classroom.facilitator("facilita", cohort)
    work = classroom.hand_in(classroom.learner(cohort=cohort))
    classroom.claim(rater, work)
    classroom.rate(rater, work)
    with pytest.raises(IntegrityError), transaction.atomic():
        Rating.objects.update(rater=None)


def test_texts_of_any_script_come_back_equal(classroom):
    ana = classroom.learner()
    cohort = classroom.cohort("quito-1", "quito")
    rater = classroom.facilitator("facilita", cohort)
    ana = classroom.learner("otra", cohort=cohort)
    work = classroom.hand_in(ana)
    classroom.claim(rater, work)
    text = "¡Qué bien! 👩🏽‍🌾 مرحبا — «ñandú»"
    assert classroom.rate(rater, work, comments={"": text}).comments == {"": text}
    assert Rating.objects.get().comments == {"": text}
