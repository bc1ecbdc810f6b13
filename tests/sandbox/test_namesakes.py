"""Organisations share a name where the account is told so, and hardly ever by accident."""

from __future__ import annotations

from collections import Counter

import pytest

from sandbox.generate.plan import Plan
from sandbox.generate.spelling import slug_words
from sandbox.generate.traits import CRM, MISSING
from sandbox.shares import Shares

COMPANIES = 20_000


def _names(share: float) -> tuple[list[str], list[str]]:
    """Return the names without legal form of the CRM's companies and of those it lacks."""
    organisations = Plan(7, COMPANIES, COMPANIES, Shares(same_name=share)).organisations
    crm, missing = (
        [
            "".join(slug_words(organisations.get(realm, index).core))
            for index in range(organisations.traits[realm].count)
        ]
        for realm in (CRM, MISSING)
    )
    return crm, missing


def _bearing_another_name(names: list[str]) -> float:
    return sum(count for count in Counter(names).values() if count > 1) / len(names)


def test_hardly_two_organisations_share_a_name_by_accident() -> None:
    crm, missing = _names(0)
    assert _bearing_another_name(crm) < 0.006
    listed = set(crm)
    assert sum(name in listed for name in missing) / len(missing) < 0.006


def test_as_many_share_a_name_as_asked_for() -> None:
    crm, missing = _names(0.01)
    assert _bearing_another_name(crm) == pytest.approx(0.02, abs=0.006)
    listed = set(crm)
    assert sum(name in listed for name in missing) / len(missing) == pytest.approx(0.01, abs=0.006)


def test_no_two_companies_of_a_group_bear_the_same_name() -> None:
    organisations = Plan(7, 1000, 5000, Shares(same_name=0)).organisations
    traits = organisations.traits[CRM]
    groups: dict[int, list[str]] = {}
    for index in range(5000):
        group = traits[index].group
        if group is not None:
            groups.setdefault(group, []).append(organisations.get(CRM, index).core)
    assert len(groups) > 50
    assert all(len(set(names)) == len(names) > 1 for names in groups.values())
