"""How a contact writes the name of its organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.generate import naming
from sandbox.generate.organisations import Organisation, with_form
from sandbox.generate.seeds import chance, pick
from sandbox.generate.spelling import acronym, typo, unaccented

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from sandbox.generate.plan import Plan, Role

_SHORTEST_ACRONYM = 3


def organisation_text(plan: Plan, rng: Random, role: Role, employer: Organisation) -> str:
    """Return the employer's name as the contact ``role`` wrote it."""
    shares = plan.shares
    kind = rng.random()
    if kind < shares.acronym:
        initials = acronym(employer.name)
        if len(initials) >= _SHORTEST_ACRONYM:
            return initials
    elif kind < shares.acronym + shares.renamed:
        return naming.organisation_name(
            rng, employer.words, employer.address.city, association=employer.association
        )
    text = _other_form(rng, employer) if role.legal_form else employer.name
    if chance(rng, shares.rewritten):
        text = _rewritten(rng, text, employer)
    if role.typo:
        text = typo(rng, text)
    return text


def _other_form(rng: Random, employer: Organisation) -> str:
    """Return the name with its legal form dropped, spelled otherwise, moved or added."""
    core, leads = employer.core, employer.form_leads
    if not employer.name_has_form:
        return with_form(core, pick(rng, employer.forms), leads=leads)
    style = rng.random()
    if style < 0.55:  # noqa: PLR2004 - dropped more often than changed
        return core
    others = [
        form for form in employer.forms if with_form(core, form, leads=leads) != employer.name
    ]
    if style < 0.92 or not others:  # noqa: PLR2004 - rarely at the other end
        return with_form(core, pick(rng, others), leads=leads) if others else core
    return with_form(core, pick(rng, others), leads=not leads)


def _rewritten(rng: Random, text: str, employer: Organisation) -> str:
    ways: tuple[Callable[[], str], ...] = (
        text.upper,
        text.lower,
        lambda: unaccented(text),
        lambda: f"{text} {employer.address.city}",
        lambda: f"{text} - {pick(rng, employer.words.departments)}",
        lambda: _shortened(text, employer),
    )
    return pick(rng, ways)()


def _shortened(text: str, employer: Organisation) -> str:
    for long, short in employer.words.abbreviations:
        if long in text:
            return text.replace(long, short, 1)
    return text.replace("-", " ") if "-" in text else f"{text} "
