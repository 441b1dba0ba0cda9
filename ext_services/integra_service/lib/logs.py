"""What the log says of a request: its route, never its address."""

import logging


class RouteOnly(logging.Filter):
    """Replace the address by the route's name: somebody may have typed a name into it, or it is a hand-over link."""

    def filter(self, record: logging.LogRecord) -> bool:
        request, status = getattr(record, "request", None), getattr(record, "status_code", None)
        if request is not None and status is not None:
            match = getattr(request, "resolver_match", None)
            route = match.view_name if match is not None else "no route"
            record.msg, record.args = "%s %s answered %s", (request.method, route, status)
        return True
