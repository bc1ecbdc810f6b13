"""The CRM's fixed lists: team, roles, activities, forms and so on.

Beyond ``id``, ``name`` and the time fields of the contract, every key is this project's assumption.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.generate.companies import company_id, created_at, kizen_datetime
from sandbox.generate.crm.model import STAGES, Record
from sandbox.generate.crm.values import TEAM_SIZE, member
from sandbox.generate.seeds import chance, pick, stream, uuid
from sandbox.generate.traits import CRM

if TYPE_CHECKING:
    from sandbox.generate.plan import Plan

_ACTIVITY_TYPES = ("Appel", "Réunion", "Visite sur place")
_NAMED = {
    "forms": ("Adhésion", "Contact", "Don", "Inscription stage", "Bénévolat"),
    "surveys": ("Satisfaction 2024", "Satisfaction 2025", "Besoins des clubs"),
    "roles": ("Administrator", "Manager", "Member"),
    "permission_groups": ("Direction", "Accueil", "Comptabilité", "Lecture seule"),
    "automations": ("Bienvenue", "Relance", "Anniversaire", "Fin d'adhésion", "Don reçu", "Audit"),
}
_WITHOUT_TIME = frozenset({"roles", "permission_groups"})


def named(seed: int, kind: str) -> list[Record]:
    """Return the entries of the list ``kind``, which have a name and hardly more."""
    entries: list[Record] = []
    for index, name in enumerate(_NAMED[kind]):
        entry: Record = {"id": uuid(seed, kind, index), "name": name}
        if kind not in _WITHOUT_TIME:
            rng = stream(seed, kind, index)
            entry["created"] = kizen_datetime(created_at(rng, index, len(_NAMED[kind])))
        entries.append(entry)
    return entries


def team(seed: int) -> list[Record]:
    """Return the members of the team."""
    return [member(seed, index) for index in range(TEAM_SIZE)]


def stages(seed: int) -> list[Record]:
    """Return the stages of the pipeline, in order."""
    return [
        {"id": uuid(seed, "stage", name), "name": name, "order": order}
        for order, name in enumerate(STAGES)
    ]


def activity_types(seed: int) -> list[Record]:
    """Return the kinds of activities that are logged."""
    return [
        {
            "id": uuid(seed, "activity", index),
            "name": name,
            "created": kizen_datetime(created_at(stream(seed, "activity", index), index, 3)),
        }
        for index, name in enumerate(_ACTIVITY_TYPES)
    ]


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
        "activity": {"id": uuid(plan.seed, "activity", kind), "name": _ACTIVITY_TYPES[kind]},
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
        "activity": {"id": uuid(plan.seed, "activity", kind), "name": _ACTIVITY_TYPES[kind]},
        "created": kizen_datetime(created),
        "due_datetime": kizen_datetime(due),
        "completed_at": kizen_datetime(due) if chance(rng, 0.6) else None,
        "assigned_to": member(plan.seed, int(rng.random() * TEAM_SIZE)),
    }
