"""Words for what tables say in words of their own: statuses, tiers, reasons, meanings, changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from console.pages import of_record
from console.reasons import Reasons
from console.texts import N_, NN_

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.texts import Texts

KINDS = {
    "decided": N_("Yes, decided by a person"),
    "sure": N_("Yes, and that is sure"),
    "to decide": N_("Perhaps: to decide"),
    "none found": N_("No, none was found"),
    "nothing to go by": N_("No, and there is nothing to go by"),
    "ruled out": N_("No, ruled out by a person"),
}

LACKS = {
    "nothing to link by": N_(
        "Nothing to go by: no organisation, no mail domain of their own, no phone, no VAT number"
    ),
    "no company shares a key": N_("No company shares a name, a domain or a number with them"),
    "no company agrees": N_("No company agrees in anything that tells"),
    "two companies agree": N_("Two companies agree equally, neither well enough"),
    "nearest": N_("The nearest company agrees too little"),
}

#: The parts of a tier, joined by "and" there.
TIERS = {
    "name": N_("name"),
    "similar name": N_("similar name"),
    "part of a name": N_("part of a name"),
    "domain": N_("domain"),
    "phone": N_("phone number"),
    "vat": N_("VAT number"),
    "place": N_("place"),
    "person": N_("person of the CRM"),
}

SIGNALS = {
    "organisation name": N_("Name of an organisation"),
    "own domain": N_("Mail domain of its own"),
    "phone": N_("Phone number"),
    "VAT number": N_("VAT number that passes its check"),
    "street": N_("Street"),
    "city or postal code": N_("City or postal code"),
    "name, own domain, phone or VAT number": N_("Name, own domain, phone or VAT number"),
    "none of these": N_("None of these"),
}

#: One contact, and several, by `link_changes.change`.
CHANGES = {
    "contact appeared": NN_("One contact is new.", "%(count)s contacts are new."),
    "contact came back": NN_("One contact came back.", "%(count)s contacts came back."),
    "contact gone": NN_("One contact is gone.", "%(count)s contacts are gone."),
    "company found": NN_(
        "For one contact a company was found.", "For %(count)s contacts a company was found."
    ),
    "company lost": NN_("One contact lost its company.", "%(count)s contacts lost their company."),
    "other company": NN_(
        "One contact moved to another company.", "%(count)s contacts moved to another company."
    ),
    "other status": NN_(
        "One link became more or less sure.", "%(count)s links became more or less sure."
    ),
    "other evidence": NN_(
        "One link rests on other evidence.", "%(count)s links rest on other evidence."
    ),
}

DECISIONS = {"force": N_("belongs to"), "forbid": N_("does not belong to")}

#: `link_override_report.effect`.
EFFECTS = {
    "in force": N_("in force"),
    "superseded": N_("replaced by a later one"),
    "taken back": N_("taken back"),
    "unknown decision": N_("unknown word"),
    "no such contact": N_("no such contact"),
    "no such company": N_("no such company"),
    "a name is no id of a contact": N_("a name stands for the id of the contact"),
    "a name is no id of a company": N_("a name stands for the id of the company"),
}

#: What may be there twice, and how many pairs, by `possible_duplicates.kind`.
DUPLICATES = {
    "kananas_contact": (
        N_("Contacts in Kananas"),
        NN_(
            "One pair of contacts in Kananas may be one.",
            "%(count)s pairs of contacts in Kananas may be one each.",
        ),
    ),
    "kizen_contact": (
        N_("People in Kizen"),
        NN_(
            "One pair of people in Kizen may be one.",
            "%(count)s pairs of people in Kizen may be one each.",
        ),
    ),
    "company": (
        N_("Companies in Kizen"),
        NN_(
            "One pair of companies in Kizen may be one.",
            "%(count)s pairs of companies in Kizen may be one each.",
        ),
    ),
}

TABLES = {
    "contacts": N_("Contacts"),
    "companies": N_("Companies"),
    "companies_company": N_("Companies"),
    "client_client": N_("People of the CRM"),
    "clients": N_("People of the CRM"),
    "logged_activities": N_("Activities done"),
    "scheduled_activities": N_("Activities planned"),
}

MEANINGS = {
    "contact_id": N_("key"),
    "contact_type": N_("type"),
    "civility": N_("form of address"),
    "first_name": N_("first name"),
    "last_name": N_("last name"),
    "full_name": N_("whole name"),
    "organisation": N_("organisation"),
    "email": N_("e-mail address"),
    "phone": N_("telephone"),
    "mobile": N_("mobile telephone"),
    "mobile_phone": N_("mobile telephone"),
    "business_phone": N_("telephone at work"),
    "home_phone": N_("telephone at home"),
    "street": N_("street"),
    "postal_code": N_("postal code"),
    "city": N_("city"),
    "state": N_("state or region"),
    "country": N_("country"),
    "website": N_("website"),
    "vat_number": N_("VAT number"),
    "birth_date": N_("date of birth"),
    "status": N_("status"),
    "category": N_("category"),
    "entity": N_("entity"),
    "family_head": N_("head of the family"),
    "balance": N_("balance"),
    "tags": N_("tags"),
    "free_fields": N_("free fields"),
    "created_at": N_("created"),
    "updated_at": N_("last changed"),
    "closed_at": N_("closed"),
    "company_id": N_("key of the company"),
    "company_name": N_("name of the company"),
    "other_companies": N_("other companies"),
    "contact_id of a deal": N_("key of the person"),
    "deal_name": N_("name of the deal"),
    "stage_id": N_("key of the stage"),
    "stage_name": N_("stage"),
    "amount": N_("amount"),
    "currency": N_("currency"),
    "owner_id": N_("key of the owner"),
    "owner_name": N_("owner"),
    "activity_type_id": N_("key of the type"),
    "activity_type": N_("type of the activity"),
    "member_id": N_("key of the member of the team"),
    "note": N_("note"),
}


class Words:
    """The words of tables in one language. What is not known is shown as the table says it."""

    def __init__(self, texts: Texts, *, names: bool) -> None:
        """Take the language; without names, nothing but known words is shown of a reason."""
        self._texts = texts
        self._reasons = Reasons(texts.language)
        self._names = names

    def _of(self, known: dict[str, str], word: str | None) -> Markup:
        if word in known:
            return self._texts(known[word])
        return of_record("—" if word is None else word)

    def kind(self, kind: str) -> Markup:
        """What a link is."""
        return self._of(KINDS, kind)

    def lack(self, lack: str) -> Markup:
        """What a contact without a company lacks."""
        return self._of(LACKS, lack)

    def signal(self, signal: str) -> Markup:
        """What a link can be made by."""
        return self._of(SIGNALS, signal)

    def table(self, name: str) -> Markup:
        """What a raw table holds."""
        return self._of(TABLES, name)

    def meaning(self, name: str) -> Markup:
        """What a column means."""
        return self._of(MEANINGS, name)

    def meanings(self, names: Iterable[str]) -> Markup:
        """Several meanings."""
        return Markup(", ").join(map(self.meaning, names))

    def tier(self, tier: str | None) -> Markup:
        """What a link rests on."""
        both = Markup(" {} ").format(self._texts("and"))
        return both.join(self._of(TIERS, part) for part in (tier or "—").split(" and "))

    def reason(self, reason: str) -> Markup:
        """One of the reasons of a link."""
        left_out = None if self._names else self._texts("left out")
        told = self._reasons.known(reason, left_out)
        if told is None:
            told = of_record(reason) if self._names else self._texts("another reason")
        return told

    def decision(self, decision: str | None) -> Markup:
        """What a person decided."""
        return self._of(DECISIONS, decision)

    def effect(self, effect: str | None) -> Markup:
        """What became of a decision."""
        return self._of(EFFECTS, effect)

    def change(self, change: str, contacts: int) -> Markup:
        """What a run changed about so many contacts."""
        if change in CHANGES:
            return self._texts.count(*CHANGES[change], contacts)
        return Markup("{}: {}").format(of_record(change), self._texts.number(contacts))

    def duplicates(self, kind: str) -> Markup:
        """What may be there twice."""
        return self._of({known: words[0] for known, words in DUPLICATES.items()}, kind)

    def pairs(self, kind: str, pairs: int) -> Markup:
        """How many pairs of a kind may be one."""
        if kind in DUPLICATES:
            return self._texts.count(*DUPLICATES[kind][1], pairs)
        return Markup("{}: {}").format(of_record(kind), self._texts.number(pairs))
