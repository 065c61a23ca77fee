"""Which role may do what: data, nothing else."""

from enum import StrEnum, auto


class Permission(StrEnum):
    """Something that can be done."""

    PAGE_READ = auto()
    PLAN_READ = auto()
    PLAN_EDIT = auto()
    PLAN_REVIEW = auto()
    PLAN_PUBLISH = auto()
    ROSTER_EDIT = auto()
    PLACE_EDIT = auto()
    REPORT_SEND = auto()
    REPORT_READ = auto()
    HEATMAP_READ = auto()
    CONTACT_READ = auto()
    RULING_DECIDE = auto()
    LABEL_AUDIT = auto()
    PERSON_EDIT = auto()
    TOKEN_EDIT = auto()
    AUDIT_READ = auto()
    SYSTEM_EDIT = auto()


_P = Permission
# To hold one's own history against the map shows nothing that a look-up does not; but it takes a file and works on
# it for seconds, so it wants somebody who is known.
_EVERYDAY = {_P.PAGE_READ, _P.HEATMAP_READ, _P.CONTACT_READ, _P.LABEL_AUDIT}

# 三员分立: the system administrator runs the machine, the security administrator gives rights, the audit
# administrator reads what both did; none of them does the city's business.
ROLES: dict[str, frozenset[Permission]] = {
    "system": frozenset({_P.SYSTEM_EDIT}),
    "security": frozenset({_P.PERSON_EDIT, _P.TOKEN_EDIT}),
    "audit": frozenset({_P.AUDIT_READ}),
    "planner": frozenset(
        _EVERYDAY | {_P.PLAN_READ, _P.PLAN_EDIT, _P.ROSTER_EDIT, _P.PLACE_EDIT, _P.PLAN_PUBLISH}
    ),
    "reviewer": frozenset(_EVERYDAY | {_P.PLAN_READ, _P.PLAN_REVIEW, _P.PLAN_PUBLISH, _P.RULING_DECIDE}),
    "leader": frozenset(_EVERYDAY | {_P.REPORT_SEND, _P.REPORT_READ}),
    "handler": frozenset(_EVERYDAY | {_P.REPORT_READ}),
    "supervisor": frozenset(_EVERYDAY | {_P.REPORT_SEND, _P.REPORT_READ, _P.PLAN_READ, _P.RULING_DECIDE}),
    "integration": frozenset(_EVERYDAY | {_P.REPORT_SEND}),
}
ADMINISTRATORS = frozenset({"system", "security", "audit"})
