"""What the LMS keeps of every course without opening it."""

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class CourseOverview(models.Model):
    id = CourseKeyField(db_index=True, primary_key=True, max_length=255)
    display_name = models.TextField(null=True)
    has_any_active_web_certificate = models.BooleanField(default=False)

    class Meta:
        app_label = "course_overviews"
