"""Who may call what: every route with its methods, as declared. A test compares it with the URLconf and calls
each route with each method as each caller; a route that is not here fails the build."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Access(Enum):
    """Who gets past the door. Everybody else learns nothing, not even whether the thing exists."""

    PUBLIC = "anybody"
    LINK = "whoever holds a fresh hand-over link"
    LEARNER = "a learner who was handed over; others are told how to enter"
    SIGNATURE = "a source, by signature or token; others get 401"
    STAFF = "whoever has a role in some city; others sign in, or 404"
    FACTOR = "whoever has a role and passed the second factor within the half hour; others are asked for it"
    OWN_FACTOR = (
        "whoever has a role; who has a second factor passed it within the half hour, or is asked for it"
    )
    FIRST_FACTOR = "as OWN_FACTOR; who has none came by a one-time link of theirs, or is told whom to ask"
    PEOPLE = "whoever may see the people of some city; who only keeps the machine gets 404"
    CITY_STAFF = "who may see the city of the object; the rest of the staff gets 404"
    CITY_EDITOR = "who may enter data in the city of the object; auditors get 404 too"
    OFFICER = "credential officers, with the second factor; the rest of the staff gets 404"
    CITY_OFFICER = (
        "credential officers of the object's city, with the second factor; the rest of the staff gets 404"
    )
    OPERATOR = "who keeps the machine, with the second factor; the rest of the staff gets 404"
    CITY_OPERATOR = "as OPERATOR, of every city of the object's source"


@dataclass(frozen=True, slots=True)
class Route:
    """One URL pattern by its name; a method that is not declared answers 405."""

    name: str
    methods: Mapping[str, Access]


ROUTES = (
    Route("web:front", {"GET": Access.PUBLIC}),
    Route("web:healthz", {"GET": Access.PUBLIC}),
    Route("web:readyz", {"GET": Access.PUBLIC}),
    Route("web:schema", {"GET": Access.PUBLIC}),
    Route("web:events", {"POST": Access.SIGNATURE}),
    Route("web:certificate-states", {"GET": Access.SIGNATURE}),
    Route("web:enter", {"GET": Access.LINK, "POST": Access.LINK}),
    Route("web:my", {"GET": Access.LEARNER}),
    Route("web:notice", {"GET": Access.LEARNER, "POST": Access.LEARNER}),
    Route("web:name", {"GET": Access.LEARNER, "POST": Access.LEARNER}),
    Route("web:name-review", {"GET": Access.LEARNER}),
    Route("web:consents", {"GET": Access.LEARNER, "POST": Access.LEARNER}),
    Route("web:my-data", {"GET": Access.LEARNER}),
    Route("web:download", {"GET": Access.LEARNER, "POST": Access.LEARNER}),
    Route("web:ask", {"GET": Access.LEARNER, "POST": Access.LEARNER}),
    Route("web:ask-erasure", {"GET": Access.LEARNER, "POST": Access.LEARNER}),
    Route("web:withdraw-request", {"GET": Access.LEARNER, "POST": Access.LEARNER}),
    Route("web:my-paper", {"GET": Access.LEARNER}),
    Route("web:leave", {"GET": Access.PUBLIC, "POST": Access.PUBLIC}),
    Route("web:sign-in", {"GET": Access.PUBLIC, "POST": Access.PUBLIC}),
    Route("web:sign-out", {"POST": Access.PUBLIC}),
    Route("web:external-start", {"GET": Access.PUBLIC}),
    Route("web:external-return", {"GET": Access.PUBLIC}),
    Route("web:set-password", {"GET": Access.PUBLIC, "POST": Access.PUBLIC}),
    Route("web:first-factor", {"GET": Access.PUBLIC}),
    Route("web:second-factor", {"GET": Access.STAFF, "POST": Access.STAFF}),
    Route("web:account", {"GET": Access.STAFF}),
    Route("web:password", {"GET": Access.OWN_FACTOR, "POST": Access.OWN_FACTOR}),
    Route("web:second-factor-enrol", {"GET": Access.FIRST_FACTOR, "POST": Access.FIRST_FACTOR}),
    Route("web:recovery-codes", {"POST": Access.FACTOR}),
    Route("web:console", {"GET": Access.STAFF}),
    Route("web:people", {"POST": Access.PEOPLE}),
    Route("web:machine", {"GET": Access.OPERATOR}),
    Route("web:machine-parked", {"GET": Access.OPERATOR}),
    Route("web:machine-parked-event", {"GET": Access.CITY_OPERATOR}),
    Route("web:machine-retry", {"POST": Access.CITY_OPERATOR}),
    Route("web:machine-refused", {"GET": Access.OPERATOR}),
    Route("web:machine-refused-event", {"GET": Access.CITY_OPERATOR}),
    Route("web:machine-gaps", {"GET": Access.OPERATOR}),
    Route("web:machine-sources", {"GET": Access.OPERATOR}),
    Route("web:machine-source", {"GET": Access.CITY_OPERATOR}),
    Route("web:machine-source-compare", {"POST": Access.CITY_OPERATOR}),
    Route("web:machine-retry-all", {"POST": Access.CITY_OPERATOR}),
    Route("web:machine-check", {"GET": Access.CITY_OPERATOR}),
    Route("web:machine-manifests", {"GET": Access.OPERATOR}),
    Route("web:person", {"GET": Access.CITY_STAFF}),
    Route("web:residence-add", {"GET": Access.CITY_EDITOR, "POST": Access.CITY_EDITOR}),
    Route("web:residence-correct", {"GET": Access.CITY_EDITOR, "POST": Access.CITY_EDITOR}),
    Route("web:register-application", {"POST": Access.CITY_EDITOR}),
    Route("web:application", {"GET": Access.CITY_STAFF}),
    Route("web:propose-again", {"POST": Access.CITY_EDITOR}),
    Route("web:credentials", {"GET": Access.PEOPLE}),
    Route("web:credential", {"GET": Access.CITY_STAFF}),
    Route("web:credential-act", {"GET": Access.CITY_OFFICER, "POST": Access.CITY_OFFICER}),
    Route("web:requested-act", {"GET": Access.CITY_OFFICER, "POST": Access.CITY_OFFICER}),
    Route("web:finding-settle", {"POST": Access.CITY_OFFICER}),
    Route("web:policies", {"GET": Access.PEOPLE}),
    Route("web:policy-propose", {"POST": Access.OFFICER}),
    Route("web:policy-approve", {"POST": Access.OFFICER}),
    Route("web:runs", {"GET": Access.OFFICER, "POST": Access.OFFICER}),
    Route("web:run", {"GET": Access.CITY_OFFICER}),
    Route("web:keys", {"GET": Access.OFFICER}),
    Route("web:data-requests", {"GET": Access.OFFICER}),
    Route("web:data-request", {"GET": Access.CITY_OFFICER, "POST": Access.CITY_OFFICER}),
    Route("credentials:page", {"GET": Access.PUBLIC, "POST": Access.PUBLIC}),
    Route("credentials:document", {"GET": Access.PUBLIC}),
    Route("credentials:ob-jwt", {"GET": Access.PUBLIC}),
    Route("credentials:vc-jwt", {"GET": Access.PUBLIC}),
    Route("credentials:png", {"GET": Access.PUBLIC}),
    Route("credentials:svg", {"GET": Access.PUBLIC}),
    Route("credentials:paper", {"GET": Access.PUBLIC}),
    Route("credentials:status-list", {"GET": Access.PUBLIC}),
    Route("credentials:did-document", {"GET": Access.PUBLIC}),
)
