"""Each figure of the page leads to its rows, and counts what is there."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from console.published import Published
from console.report.page import Settings
from console.report.sections import coverage, freshness, rows
from console.report.sections.coverage import SIGNALS
from tests.console.report.mornings import usual
from tests.console.report.reading import figures
from tests.console.report.test_sections import RESULTS, quality
from tests.console.report.warehouse import NOW, ROOT, page

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page on which each section has figures: of a sample and of a run of dbt, too."""
    folder = tmp_path_factory.mktemp("morning")
    (folder / "run_results.json").write_text(
        json.dumps(RESULTS).replace("00.5Z", "00.500000Z"), encoding="utf-8"
    )
    recall = {"estimate": 0.9, "lower_bound": 0.81, "upper_bound": 0.94, "unsure_count": 3}
    copy = usual(
        folder,
        ("marts.link_quality", quality(
            "precision", "auto", judged_count=100, right_count=98, estimate=0.98,
            lower_bound=0.93, upper_bound=0.99, expected=0.99, more_judgements=29,
        )),
        ("marts.link_quality", quality(
            "precision", "auto: vat", judged_count=40, right_count=39, estimate=0.9,
            lower_bound=0.9, upper_bound=1, expected=0.9,
        )),
        ("marts.link_quality", quality("recall", "auto", **recall)),
        ("marts.link_quality", quality(
            "recall", "auto and review", **recall, changed_count=1, contradicted_count=2
        )),
        *(("intermediate.int_samples__judged", {
            "contact_id": f"{n}", "tier": "vat", "company_id": "c1", "answer": answer,
            "judged_company_id": "c2" if answer == "company" else None,
        }) for n, answer in enumerate(("company", "none", "unsure", None), 1)),
    )  # fmt: skip
    return page(copy, Settings(dbt_target=folder))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_figure_leads_to_its_rows(morning: str, language: str) -> None:
    found = figures(re.findall(rf'<main lang="{language}".*?</main>', morning, re.DOTALL)[0])
    assert len(found.figures) > 80
    lost = [each for each in found.figures if not found.rows.get(each.leads_to or "")]
    assert lost == []


def test_a_figure_that_leads_nowhere_would_be_found(morning: str) -> None:
    text = morning.replace("<footer>", '<p>12 members</p><p><a href="#x">1,000</a></p><footer>', 1)
    found = figures(text)
    lost = [each.said for each in found.figures if not found.rows.get(each.leads_to or "")]
    assert lost == ["12 members", "1,000"]


def test_a_figure_counts_the_rows_that_it_leads_to(usual_copy: Path) -> None:
    with closing(Published(usual_copy)) as published:
        lists = rows.read(
            published,
            {
                "freshness": freshness.read(published, {}, 36, NOW),
                "coverage": coverage.read(published),
                **dict.fromkeys(("changes", "companies", "deals")),
            },
            names=True,
        )
    told = {
        (each.leads_to or "").removeprefix("en-rows-"): each.said.replace(",", "")
        for each in figures(page(usual_copy)).figures
    }
    checked = [name for name in lists if re.match("(links|persons|tier|signal|unknown)-", name)]
    assert len(checked) > 15
    for name in checked:
        if name in told:
            assert str(lists[name].total) in re.findall(r"\d+", told[name]), name


def test_the_signals_are_those_of_the_model() -> None:
    model = (ROOT / "dbt_project" / "models" / "marts" / "linkability.sql").read_text("utf-8")
    found = dict(re.findall(r"'([^']+)':\s+'([^']+)'", model.partition("%}")[0]))
    assert found == SIGNALS


def test_a_query_quotes_what_a_record_says() -> None:
    assert rows.text_of("l'Élan") == "'l''Élan'"


def test_what_was_judged_wrong_comes_first(morning: str) -> None:
    (listed,) = re.findall(r'id="en-rows-sample".*?</section>', morning, re.DOTALL)
    told = [
        re.sub(r"<[^>]+>|\s*\n\s*", "", row)
        for row in re.findall("<tr>.*?</tr>", listed, re.DOTALL)
    ]
    assert [row.rpartition(")")[2].replace("VAT number", "") for row in told[1:]] == [
        "Société 1Société 2", "Société 1none of those shown", "Société 1could not tell",
        "Société 1nothing yet",
    ]  # fmt: skip


def test_how_the_links_stood_is_a_query_of_its_moment(morning: str) -> None:
    (listed,) = re.findall(r'id="en-rows-history".*?</section>', morning, re.DOTALL)
    moments = re.findall(r"dbt_valid_from &lt;= &#39;([^&]+)&#39;", listed)
    assert len(moments) > 5
    last = datetime.fromisoformat(f"{moments[0]}+00:00")
    assert abs(last - NOW) < timedelta(seconds=1)
