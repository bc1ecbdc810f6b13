"""The CRM's fixed lists: team, roles, activities, forms and so on.

Beyond ``id``, ``name`` and the time fields of the contract, every key is this project's assumption.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sandbox.generate.companies import company_id, created_at, kizen_datetime
from sandbox.generate.crm.model import STAGES, Record
from sandbox.generate.crm.values import TEAM_SIZE, member
from sandbox.generate.seeds import chance, pick, stream, uuid
from sandbox.generate.traits import CRM

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.generate.plan import Plan


class FixedList(NamedTuple):
    """One list that every account has, and all that the sandbox knows of it.

    A list without ``make`` has entries of these ``names``. By the documentation its pages carry a
    count, or not; ``is_bare``: it is a bare array unless a page size was sent.
    """

    name: str
    path: str
    schema: str
    names: tuple[str, ...] = ()
    keys: tuple[str, ...] = ("id", "name", "created")
    make: Callable[[int], list[Record]] | None = None
    is_counted: bool = False
    is_bare: bool = False

    def entries(self, seed: int) -> list[Record]:
        """Return the entries of the account with this seed."""
        if self.make is not None:
            return self.make(seed)
        return [
            {
                "id": uuid(seed, self.name, index),
                "name": name,
                **({"created": self._created(seed, index)} if "created" in self.keys else {}),
            }
            for index, name in enumerate(self.names)
        ]

    def _created(self, seed: int, index: int) -> str:
        rng = stream(seed, self.name, index)
        return kizen_datetime(created_at(rng, index, len(self.names)))


def _team(seed: int) -> list[Record]:
    return [member(seed, index) for index in range(TEAM_SIZE)]


_ACTIVITY_TYPES = ("Appel", "Réunion", "Visite sur place")
ACTIVITY_TYPES = FixedList("activities", "/activities", "ActivityType", _ACTIVITY_TYPES)
FIXED_LISTS = (
    ACTIVITY_TYPES,
    FixedList(
        "forms", "/forms", "Form",
        ("Adhésion", "Contact", "Don", "Inscription stage", "Bénévolat"),
    ),
    FixedList(
        "surveys", "/surveys", "Survey",
        ("Satisfaction 2024", "Satisfaction 2025", "Besoins des clubs"),
    ),
    FixedList(
        "team", "/team", "TeamMember",
        keys=("id", "first_name", "last_name", "email"), make=_team, is_bare=True,
    ),
    FixedList("roles", "/role", "Role", ("Administrator", "Manager", "Member"), ("id", "name")),
    FixedList(
        "permission_groups", "/permission-group", "PermissionGroup",
        ("Direction", "Accueil", "Comptabilité", "Lecture seule"), ("id", "name"),
    ),
    FixedList(
        "automations", "/automation2/automations", "Automation",
        ("Bienvenue", "Relance", "Anniversaire", "Fin d'adhésion", "Don reçu", "Audit"),
        is_counted=True,
    ),
)  # fmt: skip
"""The lists without parameters; each is a route, a schema, and a name for ``--kizen-hidden``."""


def stages(seed: int) -> list[Record]:
    """Return the stages of the pipeline, in order: the last two are of deals that are closed."""
    ends = {STAGES[-2]: ("won", 100), STAGES[-1]: ("lost", 0)}
    found = []
    for order, name in enumerate(STAGES):
        status, chance_to_close = ends.get(name, ("open", 20 * (order + 1)))
        found.append(
            {
                "id": uuid(seed, "stage", name),
                "name": name,
                "order": order,
                "status": status,
                "percentage_chance_to_close": chance_to_close,
            }
        )
    return found


def logged_count(companies: int) -> int:
    """Return how many activities of one type were logged."""
    return -(-companies // len(_ACTIVITY_TYPES))


def scheduled_count(companies: int) -> int:
    """Return how many activities are scheduled."""
    return -(-companies // 4)


def logged_activity(plan: Plan, kind: int, index: int) -> Record:
    """Return the activity at ``index`` of those of the type ``kind``, the oldest first."""
    rng = stream(plan.seed, "logged", kind, index)
    logged_at = created_at(rng, index, logged_count(plan.companies))
    company = int(rng.random() * plan.companies)
    return {
        "id": uuid(plan.seed, "logged", kind, index),
        "activity": _activity(plan, kind),
        "logged_at": kizen_datetime(logged_at),
        "created": kizen_datetime(logged_at + timedelta(seconds=40) * rng.random()),
        "logged_by": member(plan.seed, int(rng.random() * TEAM_SIZE)),
        "company": {
            "id": company_id(plan.seed, company),
            "name": plan.organisations.get(CRM, company).name,
        },
        "note": pick(rng, ("", "À rappeler", "Dossier transmis\nà la mairie")),
    }


def scheduled_activity(plan: Plan, index: int) -> Record:
    """Return the scheduled activity at ``index``, the oldest first."""
    rng = stream(plan.seed, "scheduled", index)
    kind = int(rng.random() * len(_ACTIVITY_TYPES))
    created = created_at(rng, index, scheduled_count(plan.companies))
    due = created + timedelta(days=30) * rng.random()
    return {
        "id": uuid(plan.seed, "scheduled", index),
        "activity": _activity(plan, kind),
        "created": kizen_datetime(created),
        "due_datetime": kizen_datetime(due),
        "completed_at": kizen_datetime(due) if chance(rng, 0.6) else None,
        "assigned_to": member(plan.seed, int(rng.random() * TEAM_SIZE)),
    }


def _activity(plan: Plan, kind: int) -> Record:
    return {"id": uuid(plan.seed, ACTIVITY_TYPES.name, kind), "name": _ACTIVITY_TYPES[kind]}
