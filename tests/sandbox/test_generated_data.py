"""The generated account has the shares that it promises, and is always the same."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from sandbox.account import Account
from sandbox.generate.seeds import stream
from sandbox.generate.spelling import typo, unaccented
from sandbox.generate.traits import CRM, MISSING
from sandbox.generate.vocabulary import countries
from sandbox.options import Options
from sandbox.shares import Shares

_FREE_MAIL = {domain for country in countries() for domain in country.free_mail}


class Generated:
    """The default account, twice its size, as plain lists."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.contacts: list[dict[str, Any]] = list(account.contacts)
        self.companies: list[dict[str, Any]] = list(account.companies)
        self.truth = account.truth
        self.by_id = {company["id"]: company for company in self.companies}


@pytest.fixture(scope="module", params=[1, 20_260_101], ids=["seed 1", "another seed"])
def generated(request: pytest.FixtureRequest) -> Generated:
    return Generated(Account(Options(contacts=4000, companies=1200, seed=request.param)))


def _share(items: list[Any]) -> float:
    return sum(map(bool, items)) / len(items)


def _domain(email: str | None) -> str:
    return (email or "").rpartition("@")[2].lower()


def test_shares_of_contacts(generated: Generated) -> None:
    contacts = generated.contacts
    domains = [_domain(contact["email"]) for contact in contacts]
    assert _share([c["organisation"] for c in contacts]) == pytest.approx(0.55, abs=0.005)
    assert _share([d and d not in _FREE_MAIL for d in domains]) == pytest.approx(0.45, abs=0.01)
    assert _share([d in _FREE_MAIL for d in domains]) == pytest.approx(0.40, abs=0.005)
    assert _share([c["phone"] or c["mobile"] for c in contacts]) == pytest.approx(0.60, abs=0.005)
    assert _share([c["vat_number"] for c in contacts]) == pytest.approx(0.08, abs=0.005)


def test_shares_of_the_truth(generated: Generated) -> None:
    plan = generated.account._plan  # noqa: SLF001 - private and missing are in no served record
    realms = Counter(plan.role(index).realm for index in range(4000))
    assert realms[None] / 4000 == pytest.approx(0.35, abs=0.002)
    assert realms[MISSING] / 4000 == pytest.approx(0.25, abs=0.002)
    assert realms[CRM] == generated.account.linked_contacts == len(generated.truth) == 1600
    assert set(generated.truth) <= {contact["id"] for contact in generated.contacts}
    with_contact = set(generated.truth.values())
    assert with_contact <= set(generated.by_id)
    assert 1 - len(with_contact) / 1200 == pytest.approx(0.30, abs=0.005)


def test_shares_of_organisation_names(generated: Generated) -> None:
    plan = generated.account._plan  # noqa: SLF001 - what was meant is in no served record
    roles = [plan.role(index) for index in range(4000)]
    named = [role for role in roles if role.organisation]
    assert _share([role.typo for role in named]) == pytest.approx(0.06, abs=0.005)
    assert _share([role.legal_form for role in named]) == pytest.approx(0.30, abs=0.01)


def test_names_differ_as_the_plan_says(generated: Generated) -> None:
    """Whatever is neither typo nor form nor rewriting is the CRM's own name, letter by letter."""
    plan = generated.account._plan  # noqa: SLF001 - what was meant is in no served record
    same: dict[tuple[bool, bool], list[bool]] = {}
    for index, contact in enumerate(generated.contacts):
        role = plan.role(index)
        if role.organisation and role.realm:
            name = plan.organisations.get(role.realm, role.company).name
            traits = (role.typo, role.legal_form)
            same.setdefault(traits, []).append(contact["organisation"] == name)
    assert _share(same[False, False]) == pytest.approx(1 - 0.12 - 0.01, abs=0.04)
    assert _share(same[True, False]) < 0.02
    assert _share(same[False, True]) < 0.05


def test_shares_of_companies(generated: Generated) -> None:
    companies = generated.companies
    websites = [c["domains"] or c["custom_fields"]["website"]["value"] for c in companies]
    assert _share(websites) == pytest.approx(0.75, abs=0.005)
    plan = generated.account._plan  # noqa: SLF001 - group membership is in no served record
    traits = plan.organisations.traits[CRM]
    groups = Counter(traits[index].group for index in range(1200))
    grouped = 1200 - groups.pop(None)
    assert grouped / 1200 == pytest.approx(0.05, abs=0.005)
    assert all(size > 1 for size in groups.values())
    listed = Counter(d["name"] for c in companies for d in c["domains"])
    assert sum(size for size in listed.values() if size > 1) > 0.6 * grouped


def test_domains_of_different_companies_seldom_collide(generated: Generated) -> None:
    plan = generated.account._plan  # noqa: SLF001 - group membership is in no served record
    traits = plan.organisations.traits[CRM]
    own = Counter(
        company["domains"][0]["name"]
        for index, company in enumerate(generated.companies)
        if company["domains"] and traits[index].group is None
    )
    assert sum(size for size in own.values() if size > 1) / len(own) < 0.02
    assert not _FREE_MAIL & set(own)


@pytest.mark.parametrize(
    ("share", "value"),
    [("vat", 0.5), ("phone", 0.1), ("organisation", 0.2), ("corporate_email", 0.1)],
)
def test_shares_can_be_set(share: str, value: float) -> None:
    options = Options(contacts=1000, companies=300, shares=Shares(**{share: value}))
    contacts: list[dict[str, Any]] = list(Account(options).contacts)
    shown = {
        "vat": [c["vat_number"] for c in contacts],
        "phone": [c["phone"] or c["mobile"] for c in contacts],
        "organisation": [c["organisation"] for c in contacts],
        "corporate_email": [(d := _domain(c["email"])) and d not in _FREE_MAIL for c in contacts],
    }[share]
    assert _share(shown) == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize(
    "shares",
    [
        {"vat": 1.2},
        {"phone": -0.1},
        {"private": 0.9},
        {"corporate_email": 0.7, "private": 0},
        {"organisation": 0.9},
    ],
)
def test_impossible_shares_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"^share .*: "):
        Shares(**shares)


def test_the_same_seed_gives_the_same_bytes() -> None:
    def bodies(seed: int, **order: bool) -> list[bytes]:
        account = Account(Options(contacts=2100, companies=1100, seed=seed))
        if order.get("backwards"):
            account.contacts.encoded(2000, 2100)
            account.companies.encoded(1000, 1100)
        return [account.contacts.encoded(0, 2100), account.companies.encoded(0, 1100)]

    first = bodies(5)
    assert first == bodies(5, backwards=True)
    assert first != bodies(6)


def test_a_larger_account_shares_no_id_twice(generated: Generated) -> None:
    assert len(generated.by_id) == 1200
    assert len({contact["id"] for contact in generated.contacts}) == 4000


def test_real_world_traits_occur(generated: Generated) -> None:
    contacts, companies = generated.contacts, generated.companies
    names = [c["name"] for c in companies]
    assert any(name != unaccented(name) for name in names)
    assert any("ß" in c["address"] or "straße" in c["address"] for c in contacts)
    for form in ("SARL", "ASBL", "GmbH", "Oy", "B.V.", "S.r.l.", "e.V."):
        assert any(form in name for name in names), form
    for key in ("organisation", "email", "city", "vat_number"):
        assert {None, ""} <= {contact[key] for contact in contacts}, key
    lands = Counter(c["addresses"][0]["country"] for c in companies if c["addresses"])
    assert lands.most_common(1)[0][0] == "FR"
    assert set(lands) == {country.code for country in countries()}
    assert {"FR", "France", "Belgique"} <= {contact["country"] for contact in contacts}
    assert max(Counter(generated.truth.values()).values()) >= 5
    assert len(set(names)) < len(names)
    minors = [c for c in contacts if c["birth_date"] > "2010"]
    assert minors
    assert any(not company["addresses"] for company in companies)
    assert any(len(company["addresses"]) == 2 for company in companies)


def test_phones_are_spelled_in_five_ways(generated: Generated) -> None:
    styles = Counter()  # type: Counter[str]
    shapes = {
        "+33 (0)": "international, in groups", "+33": "international", "0 ": "in groups",
        "0.": "dotted", "0": "bare",
    }  # fmt: skip
    for contact in generated.contacts:
        number = contact["phone"] or ""
        if contact["country"] not in {"FR", "France"} or not number:
            continue
        if number.startswith("+33 (0)"):
            styles[shapes["+33 (0)"]] += 1
        elif re.fullmatch(r"\+33\d{9}", number):
            styles[shapes["+33"]] += 1
        elif re.fullmatch(r"0\d( \d\d){4}", number):
            styles[shapes["0 "]] += 1
        elif re.fullmatch(r"0\d(\.\d\d){4}", number):
            styles[shapes["0."]] += 1
        elif re.fullmatch(r"0\d{9}", number):
            styles[shapes["0"]] += 1
    assert set(styles) == set(shapes.values())


def test_linking_is_no_walk_over(generated: Generated) -> None:
    """Equal names find many links but far from all, and equal domains many wrong ones."""
    by_name: dict[str, list[str]] = {}
    by_domain: dict[str, list[str]] = {}
    for company in generated.companies:
        by_name.setdefault(company["name"], []).append(company["id"])
        for domain in company["domains"]:
            by_domain.setdefault(domain["name"], []).append(company["id"])
    found = right = 0
    for contact in generated.contacts:
        ids = by_name.get(contact["organisation"] or "") or by_domain.get(_domain(contact["email"]))
        for company_id in ids or []:
            found += 1
            right += generated.truth.get(contact["id"]) == company_id
    assert 0.5 < right / len(generated.truth) < 0.9
    assert 0.6 < right / found < 0.98


def test_a_typo_changes_a_name_a_little() -> None:
    rng = stream(1, "typos")
    for text in ("Boulangerie Moreau", "A & B", "Ör", "", "12 34"):
        changed = typo(rng, text)
        assert abs(len(changed) - len(text)) <= 1
        assert (changed != text) == (text == "Boulangerie Moreau")
