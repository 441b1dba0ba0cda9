"""What every template knows about this assembly."""

from django.conf import settings
from django.http import HttpRequest


def assembly(request: HttpRequest) -> dict[str, object]:
    return {"is_demo": settings.INTEGRA_DEMO}
