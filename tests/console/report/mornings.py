"""Published copies for the tests of the report."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.console.report.warehouse import DUPLICATES, NOW, VERSION, Warehouse

if TYPE_CHECKING:
    from pathlib import Path

AN_HOUR_AGO = NOW - timedelta(hours=1)
NOTHING = (
    "nothing to link by: no organisation, no domain of its own, no phone number, no VAT number"
)

#: Status, reasons, tier, confidence, how many contacts.
LINKS: list[tuple[str, str, str | None, float | None, int]] = [
    ("forced", "decided by Zoé", None, 1.0, 2),
    ("auto", "the names are equal", "name and domain", 0.99, 12),
    ("auto", "the VAT numbers are equal", "vat", 0.98, 8),
    ("review", "the names are equal; the cities differ", "name", 0.8, 5),
    ("forbidden", "ruled out by Zoé", None, None, 1),
    ("none", NOTHING, None, None, 8),
    ("none", "no company shares a key with it", None, None, 3),
    ("none", "the nearest company, Élan, agrees too little", None, None, 1),
]

#: Names that break a page that does not escape them, or that look like more than text.
HOSTILE = [
    "<script>window.harmed = 1</script>",
    "</script><script>window.harmed = 2</script>",
    '"><img src=x onerror="window.harmed = 3">',
    "'><svg onload=window.harmed=4>",
    "<img src=x onerror=window.harmed=5>",
    "<svg/onload=window.harmed=6>",
    "<iframe srcdoc='<script>parent.harmed = 7</script>'></iframe>",
    "<a href='javascript:window.harmed=8'>here</a>",
    "javascript:window.harmed=9",
    "<body onload=window.harmed=10>",
    "<style>body { display: none }</style>",
    "</style><script>window.harmed = 11</script>",
    "<link rel=stylesheet href=//example.org/x.css>",
    "<meta http-equiv=refresh content='0;url=//example.org'>",
    "<base href=//example.org/>",
    "<form action=//example.org><input name=x></form>",
    "<!-- ",
    "-->",
    "<![CDATA[ x ]]>",
    "]]>",
    "</main></body></html>",
    "</textarea></title>",
    "{{ 7 * 7 }}",
    "{% for x in y %}",
    "{{ config.__class__ }}",
    "${7*7} #{7*7}",
    "%s %(count)s %d %%",
    "&lt;b&gt; &amp; &#60; &nbsp;",
    '=HYPERLINK("http://example.org";"x")',
    "+1+1 -1-1 @SUM(1) \t=1",
    "\u202egnimoc si yob\u202c RTL \u2067x\u2069",
    "\u200f\u200e\u2066\u200b\ufeff",
    "a\x00b\x01c\x1b[31md\x7f\x85",
    "line\r\nbreak\u2028and\u2029more",
    "e" + "\u0301" * 60,
    "👩‍👩‍👧‍👦 🏳️‍🌈 \U0001f469\U0001f3fd",
    "x" * 5000,
    "long " * 400,
    "Ærøskøbing, Łódź, Ελλάδα, Москва, 東京, القاهرة",
    "'; drop table marts.contacts; --",
    "../../../../etc/passwd",
    "``` `x` **bold** [x](javascript:window.harmed=12)",
    "<bdi>",
    "</bdi></td></tr></table><script>window.harmed = 13</script>",
    "onmouseover=window.harmed=14 ",
    "\\u003cscript\\u003ewindow.harmed=15\\u003c/script\\u003e",
    "  spaces  around  ",
]  # fmt: skip


def usual(folder: Path, *more: tuple[str, dict[str, Any]]) -> Path:
    """A morning after a year: 40 contacts, 12 companies, something in every section.

    Args:
        folder: Where the copy is made.
        more: Rows that are added, each with its table.
    """
    made = Warehouse(folder)
    made.load("kananas.contacts", 40, AN_HOUR_AGO)
    made.load("kizen.companies", 12, AN_HOUR_AGO)
    made.load("kizen.team", 3, AN_HOUR_AGO)
    made.sql("create table kizen._quarantine (x int)")
    _links(made)
    _companies(made)
    _queue(made)
    _changes(made)
    _decisions(made)
    _columns(made)
    _runs(made)
    made.sql(f"create table marts.possible_duplicates ({DUPLICATES})")
    made.add(
        "marts.possible_duplicates",
        *({
            "kind": "kananas_contact", "left_id": f"{number}", "right_id": f"9{number}",
            "left_name": "Max Roy", "right_name": "Maxime Roy", "confidence": 0.9 - number / 100,
            "reasons": "the birth date is the same; as they wrote it", "fuller_id": f"{number}",
        } for number in range(7)),
        {"kind": "company", "left_id": "c1", "right_id": "c2", "left_name": "Élan",
         "right_name": "Elan", "confidence": 0.9, "reasons": None, "fuller_id": None},
    )  # fmt: skip
    for table, row in more:
        made.add(table, row)
    return made.close()


def _links(made: Warehouse) -> None:
    contact = 0
    for status, reasons, tier, confidence, count in LINKS:
        for _ in range(count):
            contact += 1
            has_company = status in {"forced", "auto", "review"}
            row = {
                "contact_id": f"{contact}",
                "company_id": f"c{contact % 12}" if has_company else None,
                "status": status, "tier": tier, "confidence": confidence, "conflict": False,
                "reasons": reasons, "rule_version": VERSION,
            }  # fmt: skip
            made.add("marts.contact_company_links", row)
            made.add(
                "history.contact_company_link_history",
                {**row, "dbt_valid_from": datetime(2026, 1 + contact % 11, 3)},  # noqa: DTZ001 - in UTC
            )
            made.add(
                "marts.contact_person_links",
                {**{key: row[key] for key in ("contact_id", "reasons", "rule_version")},
                 "status": "auto" if contact <= 10 else "none",
                 "kizen_contact_id": f"p{contact}" if contact <= 10 else None,
                 "confidence": 0.99 if contact <= 10 else None},
            )  # fmt: skip
            made.add(
                "marts.contacts",
                {"contact_id": f"{contact}", "first_name": "Zoé", "last_name": f"Roy {contact}",
                 "organisation": "Club Inconnu" if contact >= 37 else f"Org {contact}",
                 "email": f"zoe{contact}@example.org", "phone": f"0{contact}",
                 "street": f"{contact} rue du Port", "postal_code": "44000", "city": "Nantes",
                 "link_status": status},
            )  # fmt: skip
    for number in range(1, 41):
        keys = {"contact_id": f"{number}", "core_number": number if number <= 30 else None}
        made.add("intermediate.int_contacts__match_keys", keys)
    for number in (*range(1, 10), 31, 32):
        made.add("intermediate.int_contacts__domains", {"contact_id": f"{number}"})
    for number in range(12):
        keys = {"company_id": f"c{number}", "core_number": number}
        made.add("intermediate.int_companies__match_keys", keys)
    made.add("intermediate.int_companies__domains", *({"company_id": f"c{n}"} for n in range(9)))
    made.add("staging.stg_kizen__contacts", *({"kizen_contact_id": f"p{n}"} for n in range(1, 16)))
    for place, (signal, contacts, companies) in enumerate(
        [("organisation name", 30, 12), ("own domain", 11, 9), ("none of these", 8, 0)], 1
    ):
        made.add(
            "marts.linkability",
            {"place": place, "signal": signal, "contact_count": contacts,
             "contact_share": contacts / 40, "company_count": companies,
             "company_share": companies / 12},
        )  # fmt: skip


def _runs(made: Warehouse) -> None:
    for number in range(2):
        began = AN_HOUR_AGO - timedelta(days=number)
        made.add(
            "marts.run_steps",
            {"run_id": f"{number}", "step": "kananas", "started_at": began, "seconds": 3.5,
             "result": "done", "rows_loaded": 40, "error": None},
        )  # fmt: skip
        made.add(
            "marts.run_streams",
            {"run_id": f"{number}", "source": "kananas", "stream": "contacts", "rows_loaded": 40,
             "rows_in_table": 40},
        )  # fmt: skip


def _companies(made: Warehouse) -> None:
    for number in range(12):
        made.add(
            "marts.companies",
            {"company_id": f"c{number}", "company_name": f"Société {number}", "email": None,
             "business_phone": "02", "city": "Rennes", "contact_count": max(0, 9 - number),
             "domains": '[{"id": "x", "name": "elan.example"}]'},
        )  # fmt: skip
    for number in range(10):
        made.add(
            "marts.deals",
            {"deal_id": f"d{number}", "pipeline_name": "p", "pipeline_label": "Subventions",
             "stage_name": "Accordée" if number < 4 else "Déposée",
             "stage_order": 2 if number < 4 else 1, "is_open": number < 7,
             "amount": 1000.5 if number < 5 else None, "currency": "EUR"},
        )  # fmt: skip


def _queue(made: Warehouse) -> None:
    for rank in range(1, 6):
        contact = 22 + rank
        made.add(
            "marts.link_review_queue",
            {"review_rank": rank, "contact_id": f"{contact}", "contact_name": f"Zoé Roy {contact}",
             "organisation": f"Org {contact}", "email": f"zoe{contact}@example.org",
             "city": "Nantes", "company_id": "c1", "company_name": "Société 1",
             "company_city": "Rennes", "runner_up_company_id": "c2",
             "runner_up_company_name": "Société 2", "confidence": 0.8, "conflict": False,
             "reasons": "the names are equal; the cities differ; no other company agrees as well",
             "similar_contact_count": 3 if rank == 1 else 1},
        )  # fmt: skip


def _changes(made: Warehouse) -> None:
    now, before = datetime(2026, 11, 28, 6, 11), datetime(2026, 11, 27, 6, 11)  # noqa: DTZ001 - in UTC
    rows: list[dict[str, Any]] = [
        {"contact_id": "1", "changed_at": before, "change": "contact appeared"},
        {"contact_id": "38", "changed_at": now, "change": "contact appeared"},
        {"contact_id": "39", "changed_at": now, "change": "contact appeared"},
        {"contact_id": "77", "changed_at": now, "change": "contact gone"},
        {"contact_id": "3", "changed_at": now, "change": "other company",
         "previous_company_id": "c1", "company_id": "c2",
         "previous_reasons": "the names are equal", "status": "auto",
         "reasons": "the names are equal; the domain is the company's alone"},
        {"contact_id": "4", "changed_at": now, "change": "company lost",
         "previous_company_id": "c3", "previous_reasons": "the names are equal",
         "reasons": NOTHING},
    ]  # fmt: skip
    made.add("intermediate.changes", *rows)


def _decisions(made: Warehouse) -> None:
    """Ten links that the rules made were judged, nine agreed with; two more were not made."""
    for number in range(12):
        contact, company = f"{100 + number}", "c1"
        made.add(
            "intermediate.int_links__decided",
            {"contact_id": contact, "company_id": company,
             "status": "auto" if number < 11 else "review", "rule_version": VERSION},
        )  # fmt: skip
        if number == 10:  # another company is ruled out: nothing is said of the link
            company = "c2"
        made.add(
            "marts.link_override_report",
            {"kept_in": "seed", "contact_id": contact, "company_id": company,
             "decision": "forbid" if number in {9, 10} else "force", "author": "Zoé",
             "effect": "in force"},
        )  # fmt: skip
    made.add(
        "marts.link_override_report",
        {"kept_in": "seed", "contact_id": "0", "company_id": "c1", "decision": "force",
         "effect": "no such contact"},
    )  # fmt: skip


def _columns(made: Warehouse) -> None:
    for meaning, column, path, effect, filled in (
        ("contact_id", "id", None, "feeds", 40),
        ("organisation", "societe", None, "feeds", 30),
        ("organisation", "free_fields", "Employeur", "feeds where those before are empty", 0),
        ("vat_number", "tva", None, "feeds", 0),
        ("website", None, None, "no column", 0),
        (None, "photo", None, "feeds nothing", 5),
        (None, "login", None, "feeds nothing", 0),
    ):
        made.add(
            "marts.contact_mapping_report",
            {"meaning": meaning, "raw_column": column, "json_path": path, "raw_type": "VARCHAR",
             "effect": effect, "contact_count": 40, "filled_count": filled,
             "fill_rate": filled / 40},
        )  # fmt: skip
    made.add(
        "marts.crm_mapping_report",
        {"raw_table": "client_client", "meaning": "first_name", "raw_column": "first_name",
         "effect": "feeds", "row_count": 15, "filled_count": 15, "fill_rate": 1.0},
    )  # fmt: skip


def hostile(folder: Path) -> Path:
    """Every place of the page that shows what a record or an account says has a hostile name."""
    made = Warehouse(folder)
    made.load("kananas.contacts", 3, AN_HOUR_AGO)
    for name in HOSTILE[:20]:
        made.load(f"kizen.{name}", 2, AN_HOUR_AGO)
    made.sql(f"create table marts.possible_duplicates ({DUPLICATES})")
    now, before = datetime(2026, 11, 28, 6, 11), datetime(2026, 11, 27, 6, 11)  # noqa: DTZ001 - in UTC
    made.add("intermediate.changes", {"contact_id": "x", "changed_at": before, "change": "x"})
    for rank, name in enumerate(HOSTILE, 1):
        contact, company = f"{rank}{name}", f"c{rank}{name}"
        link = {
            "contact_id": contact, "company_id": company, "tier": name, "confidence": 0.8,
            "conflict": False, "reasons": name, "rule_version": name,
        }  # fmt: skip
        made.add("marts.contact_company_links", {**link, "status": "auto"})
        made.add("intermediate.changes", {
            "contact_id": contact, "changed_at": now, "change": name, "reasons": name,
        })  # fmt: skip
        made.add("intermediate.changes", {
            "contact_id": contact, "changed_at": now, "change": "other company",
            "previous_company_id": company, "company_id": company, "reasons": name,
        })  # fmt: skip
        made.add("marts.contacts", {
            "contact_id": contact, "full_name": name, "organisation": name, "email": name,
            "phone": name, "mobile": name, "street": name, "postal_code": name, "city": name,
            "website": name, "link_status": "none",
        }, {"contact_id": contact + "2", "organisation": name, "link_status": "none"})  # fmt: skip
        made.add("marts.companies", {
            "company_id": company, "company_name": name, "email": name, "business_phone": name,
            "mobile_phone": name, "street": name, "postal_code": name, "city": name,
            "contact_count": rank,
        })  # fmt: skip
        made.add("marts.link_review_queue", {
            "review_rank": rank, "contact_id": contact, "contact_name": name, "organisation": name,
            "email": name, "city": name, "company_id": company, "company_name": name,
            "company_city": name, "runner_up_company_id": company,
            "runner_up_company_name": name, "confidence": 0.8, "reasons": name,
            "similar_contact_count": 2,
        })  # fmt: skip
        made.add("marts.deals", {
            "deal_id": company, "pipeline_name": name, "pipeline_label": name,
            "stage_name": name, "is_open": True, "amount": 1, "currency": name,
        })  # fmt: skip
        made.add("marts.possible_duplicates", {
            "kind": name, "left_id": contact, "right_id": company, "left_name": name,
            "right_name": name, "confidence": 0.9, "reasons": name, "fuller_id": name,
        })  # fmt: skip
        made.add("marts.contact_mapping_report", {
            "meaning": name, "raw_column": name, "json_path": name, "effect": "feeds",
            "contact_count": 3, "filled_count": 2,
        }, {
            "raw_column": name, "effect": "feeds nothing", "contact_count": 3, "filled_count": 2,
        }, {
            "meaning": name + "2", "effect": "no column", "contact_count": 3, "filled_count": 0,
        })  # fmt: skip
        made.add("marts.linkability", {
            "place": rank, "signal": name, "contact_count": 1, "contact_share": 0.5,
            "company_count": 1,
        })  # fmt: skip
    return made.close()
