"""Enrolments and per-course anonymous ids, with the interface plugins use in the real platform."""

import hashlib

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class CourseEnrollment(models.Model):
    """One person in one course run; leaving sets ``is_active`` to false and keeps the row."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255, db_index=True)
    created = models.DateTimeField(auto_now_add=True)
    is_active = models.BooleanField(default=True)
    mode = models.CharField(default="audit", max_length=100)

    class Meta:
        app_label = "student"
        unique_together = (("user", "course_id"),)

    @classmethod
    def is_enrolled(cls, user, course_key) -> bool:
        return cls.objects.filter(user=user, course_id=course_key, is_active=True).exists()


class CourseAccessRole(models.Model):
    """A team role in one course: ``staff``, ``instructor``, ``limited_staff``, …"""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    org = models.CharField(max_length=64, blank=True)
    course_id = CourseKeyField(max_length=255, db_index=True, blank=True)
    role = models.CharField(max_length=64, db_index=True)

    class Meta:
        app_label = "student"
        unique_together = (("user", "org", "course_id", "role"),)


class AnonymousUserId(models.Model):
    """The 32 hexadecimal digits which stand for one person in one course."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    anonymous_user_id = models.CharField(unique=True, max_length=32)
    course_id = CourseKeyField(max_length=255, blank=True, db_index=True)

    class Meta:
        app_label = "student"


def anonymous_id_for_user(user, course_id) -> str | None:
    """Return the person's id in this course, making it on first use; ``None`` for nobody."""
    if user is None or user.is_anonymous:
        return None
    digest = hashlib.shake_128(f"{settings.SECRET_KEY}|{user.pk}|{course_id}".encode()).hexdigest(16)
    row, _ = AnonymousUserId.objects.get_or_create(
        anonymous_user_id=digest, defaults={"user": user, "course_id": course_id}
    )
    return row.anonymous_user_id


def user_by_anonymous_id(uid):
    """Return the person behind an anonymous id, or ``None``."""
    return get_user_model().objects.filter(anonymoususerid__anonymous_user_id=uid).first()
