"""Rules over the whole course: what a reader of one file alone cannot see."""

from __future__ import annotations

from integra_course.model import Course
from integra_course.problems import Problems


def check_course(course: Course, problems: Problems) -> None:
    """Note everything in ``course`` that contradicts itself."""
    known = {module.key for module in course.modules}
    for area, modules in course.areas:
        for module in modules:
            if module not in known:
                problems.refuse(
                    course.info.place, "unknown_module", f"El área «{area}» nombra «{module}», que no existe."
                )
