"""The whole page: every section in every language, in one file that needs nothing else."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from console.pages import SHARED, environment
from console.published import listed_domains
from console.report import charts, earlier, moments
from console.report.sections import (
    accuracy,
    changes,
    columns,
    companies,
    coverage,
    duplicates,
    freshness,
    queue,
    rows,
    run,
)
from console.report.words import Words
from console.texts import LANGUAGES, Texts

if TYPE_CHECKING:
    from console.published import Published
    from console.report.earlier import Loads

TEMPLATES = Path(__file__).resolve().parent / "templates"
DOMAIN = "report"
NAMES = {"en": "English", "fr": "Français"}

_REVIEW_COMMAND = Markup("<code>make review</code>")
_AUDIT_COMMAND = Markup("<code>make audit</code>")
_AGO = Markup('<strong data-ago=""></strong>')


@dataclass(frozen=True)
class Settings:
    """What can be chosen about the page."""

    names: bool = True
    """Whether names, addresses and other values of records are shown; else keys alone."""
    language: str = LANGUAGES[0]
    """The language for browsers that ask for none of those there are."""
    stale_hours: int = 36
    queue_length: int = 20
    dbt_target: Path | None = None
    review_url: str = ""
    """Where people find the review page; else its command is named."""


def render(
    published: Published, settings: Settings, loads: Loads, now: datetime | None = None
) -> str:
    """Return the page.

    Args:
        published: The published copy.
        settings: What was chosen.
        loads: What the report before said of the loads.
        now: The time of the report, by default that of the machine.
    """
    now = now or datetime.now(timezone.utc)
    found = _sections(published, settings, loads, now)
    bodies = [(language, _body(language, settings, found)) for language in LANGUAGES]
    style = _own(SHARED / "page.css") + _own(TEMPLATES / "report.css")
    script = _own(TEMPLATES / "report.js")
    template = environment(Texts(DOMAIN, LANGUAGES[0]), TEMPLATES).get_template("report.html")
    return template.render(
        shown=settings.language,
        languages=[(language, NAMES[language]) for language in LANGUAGES],
        bodies=bodies,
        style=style,
        script=script,
        policy=_policy(style, script),
        written=int(now.timestamp() * 1000),
        hours=settings.stale_hours,
        loads=earlier.element(found["freshness"].loads),
    )


def _own(file: Path) -> Markup:
    return Markup(file.read_text(encoding="utf-8"))  # noqa: S704 - a file of this package


def _policy(style: str, script: str) -> str:
    """Return what the page may do: nothing but use its own style and its own script."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _sections(
    published: Published, settings: Settings, loads: Loads, now: datetime
) -> dict[str, Any]:
    built = moments.built(published)
    found: dict[str, Any] = {
        "now": now,
        "built": built,
        "zone": now.astimezone().strftime("UTC%z"),
        "freshness": freshness.read(published, dict(loads), settings.stale_hours, now),
        "coverage": coverage.read(published),
        "changes": changes.read(published, now),
        "queue": queue.read(published, settings.queue_length),
        "accuracy": accuracy.read(published),
        "registers": accuracy.REGISTERS,
        "companies": companies.read(published),
        "deals": companies.read_deals(published),
        "duplicates": duplicates.read(published),
        "columns": columns.read(published),
        "run": run.read(settings.dbt_target, built.at),
        "past": run.read_past(published),
    }
    lists = rows.read(published, found, names=settings.names)
    return {**found, "rows": lists, "shapes": rows.SHAPES}


def _body(language: str, settings: Settings, found: dict[str, Any]) -> Markup:
    texts = Texts(DOMAIN, language)
    made = environment(texts, TEMPLATES)
    made.globals.update(
        names=settings.names,
        words=Words(texts, names=settings.names),
        width=charts.width,
        parts=charts.parts,
        upright=charts.upright,
        domains=listed_domains,
        slot=_AGO,
        review_url=settings.review_url,
        review_command=_REVIEW_COMMAND,
        audit_command=_AUDIT_COMMAND,
    )
    made.filters["local_day"] = lambda moment: _time(moment, texts.day(moment.astimezone().date()))
    made.filters["moment"] = lambda moment, **how: _time(moment, texts.moment(moment, **how))
    return Markup(made.get_template("body.html").render(found))  # noqa: S704 - escaped by the template


def _time(moment: datetime, said: str) -> Markup:
    """Return a moment as markup: what programs read of it beside what people do."""
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), said)
