"""What each section says: the right numbers, in words, of what and since when."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from console.published import Published
from console.report import earlier
from console.report.page import Settings, render
from console.report.sections import accuracy
from console.report.sections.coverage import LISTED
from tests.console.marked import Marked, unmarked
from tests.console.report.mornings import AN_HOUR_AGO, HOSTILE
from tests.console.report.reading import said, sections
from tests.console.report.warehouse import MARTS, NOW, ROOT, VERSION, Warehouse, page, promised

if TYPE_CHECKING:
    from pathlib import Path

ORDER = [
    "fresh", "links", "changes", "queue", "right", "companies", "deals", "duplicates", "columns",
    "run",
]  # fmt: skip


@pytest.fixture(scope="module")
def usual(usual_copy: Path) -> str:
    return page(usual_copy)


def test_the_sections_are_in_order_in_both_languages(usual: str) -> None:
    assert [*sections(usual)] == ORDER
    assert [*sections(usual, "fr")] == ORDER


def test_each_name_in_the_page_is_of_one_place(usual: str) -> None:
    names = re.findall(r' id="([^"]*)"', usual)
    assert len(names) == len(set(names)) > 20
    meant = re.findall(r'(?:aria-labelledby="|href="#|url\(#)([^")]*)', usual)
    assert set(meant) <= set(names)


def test_the_first_lines_answer_the_first_question(usual: str) -> None:
    first = said(usual).partition(" Is everything fresh?")[0]
    assert first == (
        "Kananas and Kizen, 28 November 2026 Written on 28 Nov 2026, 06:12. The links are those of "
        "the run of 28 Nov 2026, 06:10. This page was written . What it says may no longer be so. "
        "●Everything is fresh. contacts in Kananas 40 companies in Kizen 12 contacts have a "
        "company: 55% 22 wait for your decision 5"
    )
    french = said(usual, "fr").partition("Tout est-il à jour")[0]
    assert "●Tout est à jour. contacts dans Kananas 40 entreprises dans Kizen 12" in french


def test_the_first_lines_say_of_when_tables_are_that_were_not_made_anew(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    made.sql("create schema build_mark")
    made.sql(
        "create table build_mark.build as select "
        "cast('2026-11-27 06:10:00+00:00' as timestamptz) as built_at, "
        "cast('2026-11-25 06:10:00+00:00' as timestamptz) as whole_at"
    )
    path = made.close()
    first = said(page(path)).partition(" Is everything fresh?")[0]
    assert "The links are those of the run of 27 Nov 2026, 06:10." in first
    assert "On 28 Nov 2026, 06:10 nothing that they depend on had changed" in first
    assert "all tables were last made on 25 Nov 2026, 06:10." in first
    assert "toutes les tables ont été faites pour la dernière fois" in said(page(path), "fr")


def test_a_source_that_was_not_read_is_the_first_thing_seen(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    made.load("kananas.contacts", 3, AN_HOUR_AGO)
    made.load("kizen.companies", 2, NOW - timedelta(hours=51))
    path = made.close()
    words = said(page(path))
    assert words.index("▲Kizen has not been read since Thursday 26 Nov 2026, 03:12.") < 200
    assert "Kananas has not" not in words
    assert "Everything is fresh" not in words
    assert "Kizen ▲ 26 Nov 2026, 03:12 Companies 2" in sections(page(path))["fresh"]
    patient = page(path, Settings(stale_hours=52))
    assert "●Everything is fresh." in said(patient)
    assert "A source is fresh for 52 hours after it was read." in said(patient)


def test_a_source_that_was_never_read(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    made.load("kananas.contacts", 3, AN_HOUR_AGO)
    words = said(page(made.close()))
    assert "▲Kizen has never been read." in words
    assert "Kizen ▲ never no rows" in words


def test_a_loader_that_notes_no_times(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    made.sql("create table kananas.contacts as select 1 as id")
    made.load("kizen.companies", 2, AN_HOUR_AGO)
    words = said(page(made.close()))
    assert "▲It is not known when Kananas was read last." in words
    assert "Kananas ▲ not known: the loader's add_record_metadata is off Contacts 1" in words
    assert "Everything is fresh" not in words


def test_a_source_without_rows_is_not_fresh(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    made.load("kananas.contacts", 0, AN_HOUR_AGO)
    made.load("kizen.companies", 2, AN_HOUR_AGO)
    assert "▲Kananas has no rows." in said(page(made.close()))


def test_a_read_that_broke_off_makes_nothing_fresh(tmp_path: Path) -> None:
    """Some tables came, but not the companies."""
    made = Warehouse(tmp_path)
    made.load("kananas.contacts", 3, AN_HOUR_AGO)
    made.load("kizen.team", 3, AN_HOUR_AGO)
    made.load("kizen.companies", 2, NOW - timedelta(hours=40))
    text = page(made.close())
    assert "▲Kizen has not been read since Thursday 26 Nov 2026, 14:12." in said(text)
    assert "Kizen: all 2 tables; one was read longer ago" in said(text)
    assert "companies ▲ 26 Nov 2026, 14:12 2" in said(text)


def test_a_list_that_lags_is_told_below(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    made.load("kananas.contacts", 3, AN_HOUR_AGO)
    made.load("kizen.companies", 2, NOW - timedelta(hours=90))
    made.load("kizen.companies_company", 2, AN_HOUR_AGO)
    made.load("kizen.gone_object", 2, NOW - timedelta(hours=90))
    words = said(page(made.close()))
    assert "●Everything is fresh." in words
    assert "Kizen: all 3 tables; 2 were read longer ago" in words


def test_rows_are_compared_with_the_load_before(tmp_path: Path) -> None:
    """Whatever is reported twice: the same load is not compared with itself."""

    def report(contacts: int, at: datetime) -> str:
        (tmp_path / "warehouse.duckdb").unlink(missing_ok=True)
        made = Warehouse(tmp_path)
        made.load("kananas.contacts", contacts, at)
        made.load("kizen.companies", 2, AN_HOUR_AGO)
        file = tmp_path / "report.html"
        with closing(Published(made.close())) as published:
            file.write_text(
                render(published, Settings(), earlier.read(file), NOW), encoding="utf-8"
            )
        (line,) = re.findall(
            r"Contacts ([\d,]+ .*?) Kizen", sections(file.read_text("utf-8"))["fresh"]
        )
        return str(line)

    assert report(1000, NOW - timedelta(hours=3)) == "1,000 first seen"
    assert report(1012, NOW - timedelta(hours=2)) == "1,012 +12"
    assert report(1012, NOW - timedelta(hours=2)) == "1,012 +12"
    assert report(1000, NOW - timedelta(hours=1)) == "1,000 \N{MINUS SIGN}12"
    assert report(1000, NOW) == "1,000 none"


@pytest.mark.parametrize(
    "left", ["", "<html>", '<script type="application/json" id="loads">{"a":1}</script>',
             '<script type="application/json" id="loads">[1</script>', "\0"],
)  # fmt: skip
def test_a_page_of_another_kind_says_nothing_of_loads(tmp_path: Path, left: str) -> None:
    (tmp_path / "report.html").write_text(left, encoding="utf-8")
    assert earlier.read(tmp_path / "report.html") == {}
    (tmp_path / "report.html").write_bytes(b"\xff\xfe")
    assert earlier.read(tmp_path / "report.html") == {}


def test_names_of_tables_come_back_as_they_are(hostile_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(page(hostile_copy), encoding="utf-8")
    found = earlier.read(tmp_path / "report.html")
    assert len(found) > 20
    assert {f"kizen.{name}" for name in HOSTILE[:20]} <= found.keys()


def test_rows_that_the_last_load_did_not_find(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    made.load("kananas.contacts", 10, AN_HOUR_AGO)
    made.sql(f"update kananas.contacts set _sdc_deleted_at = '{NOW.isoformat()}' where id < 3")
    made.sql("update kananas.contacts set _sdc_deleted_at = '2026-01-01 00:00:00Z' where id = 9")
    made.load("kizen.companies", 2, AN_HOUR_AGO)
    assert "contacts 28 Nov 2026, 05:12 6 first seen 3" in sections(page(made.close()))["fresh"]


def test_who_has_a_company_and_what_the_others_lack(usual: str) -> None:
    words = sections(usual)["links"]
    for line in (
        "Of all 40 contacts in Kananas",
        "Yes, decided by a person 2 5%",
        "Yes, and that is sure 20 50%",
        "Perhaps: to decide 5 12%",
        "No, and there is nothing to go by 8 20%",
        "No, none was found 4 10%",
        "No, ruled out by a person 1 2%",
        "about 20 of the 20 are expected to be right",
        "name and domain 12 99% VAT number 8 98%",
        "Of 12 contacts without a company or a proposal",
        "Who they are: The nearest company agrees too little Contact Organisation City",
        "no VAT number 8 No company shares a name, a domain or a number with them 3 The nearest",
        "The nearest company agrees too little 1",
        "Name of an organisation 30 12 75% Mail domain of its own 11 9 28%",
        "Club Inconnu 4",
        "Of all contacts; Kizen has 15 people",
        "Contacts Share Yes, and that is sure 10 25%",
    ):
        assert line in words, line


def test_what_has_changed(usual: str) -> None:
    words = sections(usual)["changes"]
    assert "In the last run, against the one of 27 Nov 2026, 06:11:" in words
    for line in (
        "2 contacts are new.", "One contact is gone.", "One contact moved to another company.",
        "One contact lost its company.",
        "2 of the 2 contacts that moved, or lost their company",
        "Zoé Roy 3 Société 1 Société 2 the domain is the company's alone",
        "Zoé Roy 4 Société 3 none nothing to link by: no organisation",
        "at the end of each month", "28 Nov 2026, 06:12 40 22 5",
    ):  # fmt: skip
        assert line in words, line
    assert words.index("contacts are new") < words.index("is gone") < words.index("lost its")
    french = sections(usual, "fr")["changes"]
    assert "Zoé Roy 4 Société 3 aucun rien pour relier : ni organisation" in french


def test_how_the_links_stood_at_the_end_of_each_month(usual: str) -> None:
    """The history has contact n from the third of month 1 + n % 11 on: 40 of them."""
    figures = sections(usual)["changes"].partition("To decide ")[2]
    found = {
        when: int(rows) for when, rows in re.findall(r"(\d+ \w+ \d{4}), [\d:]+ (\d+)", figures)
    }
    for month in range(1, 11):
        last = datetime(2026, month + 1, 1, tzinfo=timezone.utc) - timedelta(days=1)
        expected = sum(1 + contact % 11 <= month for contact in range(1, 41))
        assert found[f"{last:%-d} {'Sept' if month == 9 else f'{last:%b}'} 2026"] == expected


def test_the_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    at = datetime(2026, 11, 28, 6, 11)  # noqa: DTZ001 - in UTC
    made.add(
        "intermediate.changes", {"contact_id": "1", "changed_at": at, "change": "contact appeared"}
    )
    words = sections(page(made.close()))["changes"]
    assert words == (
        "What has changed? This is the first run: there is nothing to compare it with yet. "
        "The next one tells what has changed."
    )


def test_a_run_that_changed_nothing(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    at = datetime(2026, 11, 20, 6, 11)  # noqa: DTZ001 - in UTC
    made.add(
        "intermediate.changes", {"contact_id": "1", "changed_at": at, "change": "contact appeared"}
    )
    words = sections(page(made.close()))["changes"]
    assert "Nothing has changed in the last run. The last change was seen on 20 Nov 2026" in words


def test_what_waits_shows_both_sides(usual: str) -> None:
    words = sections(usual)["queue"]
    assert "5 contacts have a company that is only proposed." in words
    assert "more are not shown" not in words
    assert (
        "1. Does Zoé Roy 23 belong to Société 1? What Kananas: contact 23 Kizen: company "
        "Organisation Org 23 Société 1 E-mail, web zoe23@example.org elan.example Phone 023 02 "
        "Address 23 rue du Port not given City 44000 Nantes Rennes ✓the names are equal "
        "✗the cities differ ·no other company agrees as well Right by the rules: 80%. "
        "Next best: Société 2. 3 contacts that wait are alike: who knows one knows all."
    ) in words
    assert re.findall(r"(\d)\. Does", words) == ["1", "2", "3", "4", "5"]


def test_of_many_who_lack_something_the_first_are_listed(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    for number in range(LISTED + 7):
        link = {"contact_id": f"{number:03}", "status": "none", "reasons": "nothing to link by: x"}
        made.add("marts.contact_company_links", link)
        contact = {"contact_id": f"{number:03}", "full_name": f"Zoé {number:03}", "city": "Brest"}
        made.add("marts.contacts", contact)
    words = sections(page(made.close()))["links"]
    assert "50 of 57; all of them are in contacts.csv" in words
    assert "Zoé 049 not given Brest" in words
    assert "Zoé 050" not in words


def test_the_queue_leads_to_the_page_on_which_it_is_decided(usual_copy: Path) -> None:
    assert "make review opens the page" in sections(page(usual_copy))["queue"]
    made = page(usual_copy, Settings(review_url="https://review.example.org/?a=1&b=2"))
    assert '<a href="https://review.example.org/?a=1&amp;b=2">Decide on the review page</a>' in made
    assert "make review" not in made


def test_of_a_long_queue_the_rest_is_a_number(usual_copy: Path) -> None:
    words = sections(page(usual_copy, Settings(queue_length=2)))["queue"]
    assert "3 more are not shown here." in words
    assert re.findall(r"(\d)\. Does", words) == ["1", "2"]
    french = sections(page(usual_copy, Settings(queue_length=4)), "fr")["queue"]
    assert "1 autre n\N{RIGHT SINGLE QUOTATION MARK}est pas montré ici." in french


def test_contacts_that_name_one_organisation_are_one_question(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    for rank, (organisation, company) in enumerate(
        [("Élan", "a"), (" élan", "a"), ("Élan", "b"), (None, "a"), (None, "a"), ("Bois", "a")], 1
    ):
        row = {"review_rank": rank, "contact_id": f"{rank}", "company_id": company}
        alike = {"organisation": organisation, "similar_contact_count": 2 if rank < 3 else 1}
        made.add("marts.link_review_queue", {**row, **alike})
    words = sections(page(made.close(), Settings(queue_length=4)))["queue"]
    assert "6 contacts have a company that is only proposed." in words
    assert re.findall(r"(\d)\. Does \S+ belong to (\w)\?", words) == [
        ("1", "a"), ("2", "b"), ("3", "a"), ("4", "a"),
    ]  # fmt: skip
    assert "2 contacts that wait are alike" in words
    assert "One more is not shown here." in words


def test_how_right_the_links_are_by_peoples_decisions(usual: str) -> None:
    words = sections(usual)["right"]
    assert "decided about 10 links" in words
    assert "agreed with 9 of them: 90%." in words
    # Clopper and Pearson's interval of 9 in 10, as statistics' books have it: 0.5550 to 0.9975.
    assert "between 55% and 99.7% of all such links" in words
    assert "One decision has no effect" in words
    assert "On data of others" not in words


def quality(measure: str, scope: str, **values: Any) -> dict[str, Any]:
    """A row of the mart: half of what was drawn is judged."""
    return {
        "measure": measure, "scope": scope, "contact_count": 763, "drawn_count": 200,
        "judged_count": 0, "right_count": 0, "unsure_count": 0, "changed_count": 0,
        "contradicted_count": 0, "margin": 0.03, "sample_id": "s", **values,
    }  # fmt: skip


def sampled(folder: Path, *rows: dict[str, Any]) -> str:
    folder.mkdir()
    made = Warehouse(folder)
    link = {"contact_id": "1", "status": "auto", "tier": "name", "rule_version": VERSION}
    made.add("marts.contact_company_links", link)
    for row in rows:
        made.add("marts.link_quality", row)
    return page(made.close())


def test_how_right_the_links_are_by_a_sample(tmp_path: Path) -> None:
    recall = {"estimate": 0.9, "lower_bound": 0.81, "upper_bound": 0.94, "unsure_count": 3}
    text = sampled(
        tmp_path / "judged",
        quality(
            "precision", "auto", judged_count=100, right_count=98, estimate=0.98,
            lower_bound=0.929616, upper_bound=0.997569, expected=0.99, unsure_count=2,
            cautious_lower_bound=0.91, more_judgements=29,
        ),
        quality("precision", "auto: name and domain", judged_count=40, right_count=40,
                estimate=1, lower_bound=0.912, upper_bound=1, expected=0.999),
        quality("precision", "auto: vat"),
        quality("recall", "auto", **recall),
        quality("recall", "auto and review", **recall, changed_count=1, contradicted_count=2),
    )  # fmt: skip
    words = sections(text)["right"]
    for said_ in (
        "100 links that had been made without asking were drawn by lot",
        "98 of them are right, 98%.",
        "between 93% and 99.8% of all such links are right", "Their confidence says 99%.",
        "About 29 more judgements would settle it to ±3%.",
        "about 90% have it by such a link (between 81% and 94%)",
        "About 3 contacts nobody could tell", "at least 91% would still be right",
        "name and domain 763 40 40 91%–100% 99.9%",  # noqa: RUF001 - as figures have it
        "One answer to the sample no longer counts",
        "About 2 contacts decisions contradict each other",
    ):  # fmt: skip
        assert said_ in words
    for left_out in ("VAT number", "Nobody has decided", "On data of others", "make audit"):
        assert left_out not in words
    assert "98 sont justes, soit 98 %" in sections(text, "fr")["right"].replace("\xa0", " ")


def test_a_sample_that_is_not_judged_proves_nothing(tmp_path: Path) -> None:
    auto = quality("precision", "auto", more_judgements=100)
    unknown = [quality("recall", scope) for scope in ("auto", "auto and review")]
    words = sections(sampled(tmp_path / "open", auto, *unknown))["right"]
    assert "A sample of 200 contacts waits to be judged" in words
    assert "Nobody has decided about a link yet" in words
    begun = {"judged_count": 1, "right_count": 1, "estimate": 1.0, "lower_bound": 0.025,
             "upper_bound": 1.0, "expected": 0.9, "more_judgements": 160}  # fmt: skip
    words = sections(sampled(tmp_path / "begun", {**auto, **begun}, *unknown))["right"]
    assert "How many companies were missed is not known yet" in words
    none = [{**row, "sample_id": None} for row in (auto, *unknown)]
    words = sections(sampled(tmp_path / "none", *none))["right"]
    assert "would prove it on your data (make audit)." in words


def test_without_decisions_what_was_measured_elsewhere_is_said(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    link = {"contact_id": "1", "status": "none", "reasons": "", "rule_version": VERSION}
    made.add("marts.contact_company_links", link)
    words = sections(page(made.close()))["right"]
    assert "Nobody has decided about a link yet" in words
    assert "11 registers of names, between 99% and 100% of the links" in words


def test_rules_that_were_never_measured_are_said_to_be(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    link = {"contact_id": "1", "status": "none", "reasons": "", "rule_version": "my own"}
    made.add("marts.contact_company_links", link)
    assert "The rules of version my own have not been measured" in said(page(made.close()))


def test_what_was_measured_is_what_the_documentation_says() -> None:
    text = (ROOT / "docs" / "linkage.md").read_text(encoding="utf-8")
    table = text.partition("| register | F1 | auto precision |")[2].partition("\n\n")[0]
    rows = [line.split("|") for line in table.splitlines()[2:]]
    precisions = [float(row[3]) for row in rows]
    assert len(precisions) == accuracy.REGISTERS
    assert f"rule version {VERSION}:" in text
    project = (ROOT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8")
    assert f'link_rule_version: "{VERSION}"' in project
    assert accuracy.MEASURED[VERSION] == (min(precisions), max(precisions))


def test_companies_deals_and_duplicates(usual: str) -> None:
    found = sections(usual)
    assert "Société 0 9 Société 1 8" in found["companies"]
    assert "3 companies of 12 have none." in found["companies"]
    assert "7 of 10 deals in Kizen are open." in found["deals"]
    assert "5 of them are worth 5,002.5 EUR together." in found["deals"]
    assert "Subventions Déposée 3 Subventions Accordée 4" in found["deals"]
    assert "7 pairs of contacts in Kananas may be one each." in found["duplicates"]
    assert "One pair of companies in Kizen may be one." in found["duplicates"]
    assert "the 5 surest pairs" in found["duplicates"]
    assert (
        "Max Roy (0) Maxime Roy (90) the birth date is the same; as they wrote it 90%"
        in (found["duplicates"])
    )


def test_of_many_companies_the_rest_is_a_sentence(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    rows = [
        {"company_id": f"{n}", "company_name": f"S{n:02}", "contact_count": 2} for n in range(25)
    ]
    made.add("marts.companies", *rows)
    words = sections(page(made.close()))["companies"]
    assert "S19 2" in words
    assert "S20" not in words
    assert "5 more companies have 10 contacts in all." in words
    assert "have none" not in words


def test_what_the_columns_feed(usual: str) -> None:
    words = sections(usual)["columns"]
    assert (
        "Contacts: one meaning has no column (website). One has columns, all empty (VAT number). "
        "One column that holds something feeds nothing."
    ) in words
    assert "id key 40 societe organisation 30" in words
    assert "Employeur" not in words
    assert "Feed nothing: photo" in words
    assert "People of the CRM: what feeds what, of 15 rows" in words


RESULTS: dict[str, Any] = {
    "metadata": {"dbt_version": "1.11.0", "invocation_started_at": "2026-11-28T06:10:00.5Z"},
    "elapsed_time": 61.25,
    "results": [
        {"unique_id": "model.kananas_kizen.contacts", "execution_time": 2.5, "status": "success",
         "message": "OK"},
        {"unique_id": "test.kananas_kizen.a.b", "execution_time": 0.5, "status": "warn",
         "message": "Got 3 results, configured to warn if != 0"},
    ],
}  # fmt: skip


def _run(usual_copy: Path, folder: Path, results: str) -> str:
    (folder / "run_results.json").write_text(results, encoding="utf-8")
    return sections(page(usual_copy, Settings(dbt_target=folder)))["run"]


def test_the_run_with_its_warnings(usual_copy: Path, tmp_path: Path) -> None:
    words = _run(usual_copy, tmp_path, json.dumps(RESULTS).replace("00.5Z", "00.500000Z"))
    assert "dbt took 61.2 seconds, on 28 Nov 2026, 06:10." in words
    assert "▲ It warned once: a.b: Got 3 results, configured to warn if != 0" in words
    assert "dbt 1.11.0 · model 1 · test 1" in words
    assert "contacts model 2.5 a.b test 0.5" in words


@pytest.mark.parametrize(
    "results",
    [
        json.dumps(RESULTS).replace("2026-11-28T06:10:00.5Z", "2026-11-27T06:10:00Z"),
        "", "[]", "{}", json.dumps({**RESULTS, "results": [{"unique_id": "x"}]}),
        json.dumps({**RESULTS, "metadata": None}),
    ],
)  # fmt: skip
def test_what_dbt_says_of_another_run_is_left_out(
    usual_copy: Path, tmp_path: Path, results: str
) -> None:
    words = _run(usual_copy, tmp_path, results)
    assert "that made these tables was not found. The last 2 runs" in words


def test_without_anything_the_page_still_says_what_to_expect(tmp_path: Path) -> None:
    """No table at all; then every table, empty."""
    made = Warehouse(tmp_path, without=[
        *(f"marts.{each}" for each in MARTS), "marts.link_changes",
        "history.contact_company_link_history", "intermediate.int_links__decided",
        "staging.stg_kizen__contacts",
    ])  # fmt: skip
    text = page(made.close())
    assert [*sections(text)] == [*sections(text, "fr")] == ["fresh", "run"]
    assert "▲Kananas has never been read. ▲Kizen has never been read." in said(text)
    (tmp_path / "second").mkdir()
    text = page(Warehouse(tmp_path / "second").close())
    assert "There are no contacts yet." in sections(text)["links"]
    assert "Nothing waits." in sections(text)["queue"]
    assert "There are no companies yet." in sections(text)["companies"]
    assert "deals" not in sections(text)


@pytest.mark.parametrize("missing", [f"marts.{each}" for each in MARTS])
def test_a_table_that_is_missing_takes_no_other_section_with_it(
    tmp_path: Path, missing: str
) -> None:
    text = page(Warehouse(tmp_path, without=[missing]).close())
    assert {"fresh", "run"} <= sections(text).keys()
    assert len(sections(text)) >= 4


def test_a_million_contacts_are_written_as_people_write_them(tmp_path: Path) -> None:
    made = Warehouse(tmp_path, without=["marts.contact_company_links"])
    made.sql("""
        create view marts.contact_company_links as
        select
            range as contact_id, if(range = 7, 'auto', 'none') as status, 0.99 as confidence,
            'nothing to link by' as reasons, null as tier, '8' as rule_version,
            null as company_id
        from range(1000000)
    """)
    text = page(made.close())
    assert "contacts in Kananas 1,000,000" in said(text)
    assert "Yes, and that is sure 1 0.0001%" not in said(text)
    assert "Yes, and that is sure 1 0.001% " in said(text)
    assert "contacts dans Kananas 1 000 000" in said(text, "fr")


def test_without_names_no_value_of_a_record_is_in_the_page(usual_copy: Path) -> None:
    with_names = page(usual_copy)
    without = page(usual_copy, Settings(names=False))
    for value in ("Zoé", "Roy", "Société", "Inconnu", "@example.org", "elan.example", "Nantes",
                  "rue du Port", "Rennes", "44000", "as they wrote it"):  # fmt: skip
        assert value in with_names, value
        assert value not in without, value
    assert "1. Does 23 belong to c1?" in sections(without)["queue"]
    assert "the names are equal" in sections(without)["queue"]
    assert "Names and addresses are left out." in said(without)


def test_a_source_that_the_last_run_could_not_read_is_the_first_thing_seen(tmp_path: Path) -> None:
    made = Warehouse(tmp_path)
    made.load("kananas.contacts", 3, NOW - timedelta(hours=51))
    made.load("kizen.companies", 2, AN_HOUR_AGO)
    made.sql(f"create table marts.freshness ({promised('freshness')})")
    since = NOW - timedelta(hours=2)
    made.add(
        "marts.freshness",
        {"source": "kananas", "state": "warn"},
        {"source": "kizen", "failing_since": since, "last_error": "GET h <b> answered 500"},
    )
    for run, result in (("1", "done"), ("2", "failed")):
        started = since - timedelta(hours=1) if run == "1" else since
        made.add(
            "marts.run_steps",
            {"run_id": run, "step": "kananas", "started_at": started, "seconds": 3.5,
             "result": "done", "rows_loaded": 1200, "rows_inserted": 3, "rows_updated": 1197,
             "rows_deleted": 2, "error": None},
            {"run_id": run, "step": "kizen", "started_at": started, "seconds": 1.0,
             "result": result, "rows_loaded": None, "error": None},
        )  # fmt: skip
    text = page(made.close())
    kizen = "▲Kizen could not be read: each run since Saturday 28 Nov 2026, 04:12 has failed."
    assert f"{kizen} ▲Kananas has not been read since" in said(text)
    assert "▲ Kizen: GET h <b> answered 500" in sections(text)["fresh"]
    assert "<b> answered" not in text
    past = sections(text)["run"]
    rows = "1,200 3 1,197 2 4.5"
    assert f"28 Nov 2026, 04:12 {rows} ▲ kizen 28 Nov 2026, 03:12 {rows}" in past
    assert "chaque exécution depuis le" in said(text, "fr")


@pytest.mark.parametrize("morning", ["usual_copy", "hostile_copy"])
def test_nothing_is_said_that_is_not_in_the_catalogue(
    morning: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.texts.translations", lambda *_: Marked())
    _, _, body = page(request.getfixturevalue(morning)).partition('<main lang="fr"')
    assert unmarked(f"<main {body.partition('</main>')[0]}</main>") == []
