import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from integra_gradebook.fields import Char32UUIDField, check_constraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CourseRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("course_key", models.CharField(max_length=255, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="ItemVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                (
                    "item_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("content", models.JSONField()),
                ("first_used_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Manifest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rule_version", models.CharField(max_length=64, unique=True)),
                (
                    "course_family",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("content", models.JSONField()),
                ("registered_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", Char32UUIDField(unique=True)),
                ("block_key", models.CharField(max_length=255)),
                ("ordinal", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("pre", "Pre"), ("post", "Post"), ("bypass", "Bypass")], max_length=16
                    ),
                ),
                (
                    "course_family",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                (
                    "module_key",
                    models.CharField(
                        blank=True,
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("sitting", models.PositiveSmallIntegerField(default=1)),
                ("stage", models.PositiveSmallIntegerField(default=1)),
                (
                    "form_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                (
                    "bank_id",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("bank_digest", models.CharField(max_length=64)),
                ("is_bank_public", models.BooleanField()),
                ("rule_version", models.CharField(max_length=64)),
                ("score", models.PositiveSmallIntegerField(null=True)),
                ("max_score", models.PositiveSmallIntegerField()),
                ("cut", models.PositiveSmallIntegerField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=16)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("alone", "Alone"),
                            ("assisted", "Assisted"),
                            ("supervised", "Supervised"),
                            ("paper", "Paper"),
                        ],
                        default="alone",
                        max_length=16,
                    ),
                ),
                ("accommodations", models.JSONField(default=list)),
                ("started_at", models.DateTimeField()),
                ("deadline_at", models.DateTimeField()),
                ("submitted_at", models.DateTimeField(null=True)),
                ("voided_at", models.DateTimeField(null=True)),
                (
                    "void_reason",
                    models.CharField(
                        blank=True,
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("mirror_at", models.DateTimeField(db_index=True, null=True)),
                (
                    "entered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.courserun"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Cohort",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                (
                    "city_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                (
                    "modality",
                    models.CharField(
                        choices=[
                            ("virtual", "Virtual"),
                            ("blended", "Blended"),
                            ("face_to_face", "Face to face"),
                            ("evaluation", "Evaluation only"),
                        ],
                        default="virtual",
                        max_length=16,
                    ),
                ),
                ("time_zone", models.CharField(default="America/Guayaquil", max_length=64)),
                ("starts_on", models.DateField(blank=True, null=True)),
                ("ends_on", models.DateField(blank=True, null=True)),
                ("place_count", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cohorts",
                        to="integra_gradebook.courserun",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FacilitatorRole",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(blank=True, null=True)),
                (
                    "cohort",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="facilitator_roles",
                        to="integra_gradebook.cohort",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="integra_roles",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AttemptResponse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "item_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("option_order", models.JSONField()),
                ("response", models.JSONField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("points", models.PositiveSmallIntegerField(null=True)),
                ("max_points", models.PositiveSmallIntegerField()),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drawn",
                        to="integra_gradebook.attempt",
                    ),
                ),
                (
                    "item_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.itemversion"
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="LearnerPseudonym",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("learner_uuid", Char32UUIDField(unique=True)),
                ("short_code", models.CharField(max_length=16, unique=True)),
                ("sequence", models.PositiveBigIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="integra_pseudonym",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LearnerEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", Char32UUIDField(unique=True)),
                ("sequence", models.PositiveBigIntegerField()),
                ("type", models.CharField(max_length=128)),
                ("occurred_at", models.DateTimeField()),
                ("data", models.JSONField()),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="integra_gradebook.learnerpseudonym",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Exemption",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "course_family",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                (
                    "module_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("earned_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "attempt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.attempt"
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Enrolment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("withdrawn", "Withdrawn")],
                        default="active",
                        max_length=16,
                    ),
                ),
                (
                    "route_intended",
                    models.CharField(
                        choices=[("training", "Training"), ("evaluation", "Evaluation")],
                        default="training",
                        max_length=16,
                    ),
                ),
                ("accommodations", models.JSONField(blank=True, default=list)),
                ("first_form", models.CharField(editable=False, max_length=8)),
                ("enrolled_at", models.DateTimeField()),
                (
                    "cohort",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="enrolments",
                        to="integra_gradebook.cohort",
                    ),
                ),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="enrolments",
                        to="integra_gradebook.courserun",
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="enrolments",
                        to="integra_gradebook.learnerpseudonym",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CertificateState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "achievement_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("state", models.CharField(max_length=16)),
                ("token", models.CharField(blank=True, max_length=64)),
                ("url", models.CharField(blank=True, max_length=255)),
                ("changed_at", models.DateTimeField()),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="attempt",
            name="learner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
            ),
        ),
        migrations.CreateModel(
            name="ActiveTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "unit_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("seconds", models.PositiveIntegerField(default=0)),
                ("last_tick_at", models.DateTimeField()),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.courserun"
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LessonCompletion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", Char32UUIDField(unique=True)),
                (
                    "unit_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("block_key", models.CharField(max_length=255)),
                ("rule_version", models.CharField(max_length=64)),
                ("completed_at", models.DateTimeField()),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.courserun"
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="courserun",
            name="manifest",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.manifest"
            ),
        ),
        migrations.CreateModel(
            name="PracticeAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", Char32UUIDField(unique=True)),
                (
                    "unit_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                (
                    "practice_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("block_key", models.CharField(max_length=255)),
                (
                    "item_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("response", models.JSONField()),
                ("points", models.PositiveSmallIntegerField()),
                ("max_points", models.PositiveSmallIntegerField()),
                ("is_right", models.BooleanField()),
                ("answered_at", models.DateTimeField()),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.courserun"
                    ),
                ),
                (
                    "item_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.itemversion"
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RingExposure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "course_family",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                (
                    "module_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                (
                    "item_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("shown_at", models.DateTimeField()),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exposures",
                        to="integra_gradebook.attempt",
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "module_key",
                    models.CharField(
                        blank=True,
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("state", models.CharField(max_length=16)),
                ("route", models.CharField(blank=True, max_length=16)),
                ("reasons", models.JSONField()),
                ("minutes_trained", models.PositiveIntegerField()),
                ("minutes_recognised", models.PositiveIntegerField()),
                ("rule_version", models.CharField(max_length=64)),
                ("changed_at", models.DateTimeField()),
                ("revision", models.PositiveIntegerField(default=1)),
                ("mirrored_revision", models.PositiveIntegerField(default=0)),
                ("mirror_at", models.DateTimeField(db_index=True, null=True)),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.courserun"
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Submission",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", Char32UUIDField(unique=True)),
                (
                    "module_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                (
                    "deliverable_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("block_key", models.CharField(max_length=255)),
                ("version", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("submitted", "Submitted"),
                            ("returned", "Returned"),
                            ("accepted", "Accepted"),
                            ("replaced", "Replaced"),
                        ],
                        max_length=16,
                    ),
                ),
                ("definition", models.JSONField()),
                ("document", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("is_drawn", models.BooleanField()),
                ("rule_version", models.CharField(max_length=64)),
                ("submitted_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("mirror_at", models.DateTimeField(db_index=True, null=True)),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.courserun"
                    ),
                ),
                (
                    "enrolment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.enrolment"
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RatingClaim",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "rater_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "submission",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claim",
                        to="integra_gradebook.submission",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Rating",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", Char32UUIDField(unique=True)),
                (
                    "by",
                    models.CharField(
                        choices=[("facilitator", "Facilitator"), ("automatic", "Automatic")], max_length=16
                    ),
                ),
                (
                    "rubric_version",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("levels", models.JSONField()),
                ("comments", models.JSONField()),
                ("outcome", models.CharField(max_length=16)),
                ("score", models.PositiveSmallIntegerField()),
                ("max_score", models.PositiveSmallIntegerField()),
                ("rated_at", models.DateTimeField()),
                (
                    "rater",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="integra_gradebook.learnerpseudonym",
                    ),
                ),
                (
                    "submission",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rating",
                        to="integra_gradebook.submission",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SubmissionDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "deliverable_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("block_key", models.CharField(max_length=255)),
                ("document", models.JSONField()),
                ("revision", models.PositiveIntegerField()),
                ("saved_at", models.DateTimeField()),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.courserun"
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UnitCompletion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "unit_key",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator("\\A[A-Za-z0-9][A-Za-z0-9._-]*\\Z")
                        ],
                    ),
                ),
                ("active_seconds", models.PositiveIntegerField()),
                ("rule_version", models.CharField(max_length=64)),
                ("completed_at", models.DateTimeField()),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.courserun"
                    ),
                ),
                (
                    "learner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="integra_gradebook.learnerpseudonym"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="cohort",
            constraint=models.UniqueConstraint(fields=("course", "key"), name="integra_cohort_key"),
        ),
        migrations.AddConstraint(
            model_name="cohort",
            constraint=check_constraint(
                models.Q(
                    ("starts_on__isnull", True),
                    ("ends_on__isnull", True),
                    ("starts_on__lte", models.F("ends_on")),
                    _connector="OR",
                ),
                name="integra_cohort_dates",
            ),
        ),
        migrations.AddConstraint(
            model_name="facilitatorrole",
            constraint=models.UniqueConstraint(
                fields=("user", "cohort", "starts_on"), name="integra_role_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="facilitatorrole",
            constraint=check_constraint(
                models.Q(("ends_on__isnull", True), ("starts_on__lte", models.F("ends_on")), _connector="OR"),
                name="integra_role_dates",
            ),
        ),
        migrations.AddConstraint(
            model_name="attemptresponse",
            constraint=models.UniqueConstraint(fields=("attempt", "position"), name="integra_drawn_position"),
        ),
        migrations.AddConstraint(
            model_name="attemptresponse",
            constraint=models.UniqueConstraint(fields=("attempt", "item_key"), name="integra_drawn_item"),
        ),
        migrations.AddConstraint(
            model_name="attemptresponse",
            constraint=check_constraint(
                models.Q(("points__isnull", True), ("points__lte", models.F("max_points")), _connector="OR"),
                name="integra_drawn_points",
            ),
        ),
        migrations.AddConstraint(
            model_name="learnerevent",
            constraint=models.UniqueConstraint(fields=("learner", "sequence"), name="integra_event_sequence"),
        ),
        migrations.AddIndex(
            model_name="exemption",
            index=models.Index(
                fields=["learner", "course_family", "module_key"], name="integra_exemption_module"
            ),
        ),
        migrations.AddConstraint(
            model_name="exemption",
            constraint=check_constraint(
                models.Q(("earned_at__lt", models.F("expires_at"))), name="integra_exemption_dates"
            ),
        ),
        migrations.AddConstraint(
            model_name="enrolment",
            constraint=models.UniqueConstraint(fields=("learner", "course"), name="integra_enrolment_place"),
        ),
        migrations.AddConstraint(
            model_name="certificatestate",
            constraint=models.UniqueConstraint(
                fields=("learner", "achievement_key"), name="integra_certificate_one"
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["learner", "course", "kind"], name="integra_attempt_kind"),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                fields=["learner", "course_family", "module_key"], name="integra_attempt_module"
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.UniqueConstraint(
                fields=("learner", "block_key", "ordinal"), name="integra_attempt_ordinal"
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=check_constraint(
                models.Q(("score__isnull", True), ("score__lte", models.F("max_score")), _connector="OR"),
                name="integra_attempt_score",
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=check_constraint(
                models.Q(
                    models.Q(("score__isnull", True), ("submitted_at__isnull", True)),
                    models.Q(("score__isnull", False), ("submitted_at__isnull", False)),
                    _connector="OR",
                ),
                name="integra_attempt_submitted",
            ),
        ),
        migrations.AddConstraint(
            model_name="activetime",
            constraint=models.UniqueConstraint(
                fields=("learner", "course", "unit_key"), name="integra_time_unit"
            ),
        ),
        migrations.AddConstraint(
            model_name="lessoncompletion",
            constraint=models.UniqueConstraint(
                fields=("learner", "course", "unit_key"), name="integra_lesson_once"
            ),
        ),
        migrations.AddIndex(
            model_name="practiceanswer",
            index=models.Index(
                fields=["learner", "course", "is_right", "item_key"], name="integra_answer_right"
            ),
        ),
        migrations.AddConstraint(
            model_name="practiceanswer",
            constraint=check_constraint(
                models.Q(("points__lte", models.F("max_points"))), name="integra_answer_points"
            ),
        ),
        migrations.AddIndex(
            model_name="ringexposure",
            index=models.Index(
                fields=["learner", "course_family", "module_key"], name="integra_exposure_ring"
            ),
        ),
        migrations.AddConstraint(
            model_name="ringexposure",
            constraint=models.UniqueConstraint(fields=("attempt", "item_key"), name="integra_exposure_once"),
        ),
        migrations.AddConstraint(
            model_name="standing",
            constraint=models.UniqueConstraint(
                fields=("learner", "course", "module_key"), name="integra_standing_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="standing",
            constraint=check_constraint(
                models.Q(("mirrored_revision__lte", models.F("revision"))), name="integra_standing_mirror"
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                fields=["course", "state", "submitted_at", "id"], name="integra_submission_queue"
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(
                fields=("learner", "course", "deliverable_key", "version"), name="integra_submission_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="rating",
            constraint=check_constraint(
                models.Q(("score__lte", models.F("max_score"))), name="integra_rating_score"
            ),
        ),
        migrations.AddConstraint(
            model_name="rating",
            constraint=check_constraint(
                models.Q(
                    models.Q(("by", "automatic"), ("rater__isnull", True)),
                    models.Q(("by", "facilitator"), ("rater__isnull", False)),
                    _connector="OR",
                ),
                name="integra_rating_rater",
            ),
        ),
        migrations.AddConstraint(
            model_name="submissiondraft",
            constraint=models.UniqueConstraint(
                fields=("learner", "course", "deliverable_key"), name="integra_draft_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="unitcompletion",
            constraint=models.UniqueConstraint(
                fields=("learner", "course", "unit_key"), name="integra_unit_once"
            ),
        ),
    ]
