"""The ``enrollments`` service of the LMS: what blocks may ask about enrolments."""

from common.djangoapps.student.models import CourseEnrollment


class EnrollmentsService:
    def get_active_enrollments_by_course(self, course_id):
        """Return the active enrolments of a course, as a queryset."""
        return CourseEnrollment.objects.filter(course_id=course_id, is_active=True)

    def get_active_enrollments_by_course_and_user(self, course_id, user_id):
        """Return one person's active enrolment, or ``None``."""
        return self.get_active_enrollments_by_course(course_id).filter(user_id=user_id).first()
