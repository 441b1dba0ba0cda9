"""The grade signals which published packages listen to."""

from django.dispatch import Signal

# user_id, course_id and usage_id as text, weighted_earned, weighted_possible, only_if_higher, modified, …
PROBLEM_WEIGHTED_SCORE_CHANGED = Signal()
