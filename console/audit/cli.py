"""The command `audit`: draws the sample that the review page asks about."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from console.audit.drawing import MARGIN, Plan, draw, links
from console.audit.sample import SamplesFile
from console.decisions.decision import new_id, now
from console.decisions.file import DecisionsFile, DecisionsFileError, output_folder
from console.decisions.file import default_path as default_decisions
from console.decisions.standing import Standing
from console.published import Published, PublishedError, default_path
from console.settings import env_file_needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.audit.sample import Drawn

DONE, FAILED = 0, 1
LEAST_MARGIN, MOST_MARGIN = 0.005, 0.5
MOST_JUDGEMENTS = 5000


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(
        prog="audit", description="Draw a sample of contacts to judge on the review page."
    )
    found.add_argument(
        "--db",
        type=Path,
        default=default_path(output_folder()),
        help="the published copy (default: %(default)s; DUCKDB_PUBLISH_DIR)",
    )
    found.add_argument(
        "--decisions",
        type=Path,
        default=default_decisions(),
        help="the decisions file, beside which the sample is written (default: %(default)s;"
        " DUCKDB_DECISIONS_PATH)",
    )
    found.add_argument(
        "--seed", type=int, default=1, help="what the lots depend on (default: %(default)s)"
    )
    found.add_argument(
        "--margin",
        type=_margin,
        default=MARGIN,
        help="half the width that the interval of links made without asking should have, as a"
        " share (default: %(default)s)",
    )
    found.add_argument(
        "--judgements",
        type=_judgements,
        help="about how many contacts to draw, instead of so many as the margin needs",
    )
    return found


def _margin(text: str) -> float:
    margin = float(text)
    if not LEAST_MARGIN <= margin <= MOST_MARGIN:
        message = f"{text} is not between {LEAST_MARGIN} and {MOST_MARGIN}"
        raise argparse.ArgumentTypeError(message)
    return margin


def _judgements(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_JUDGEMENTS:
        message = f"{text} is not between 1 and {MOST_JUDGEMENTS}"
        raise argparse.ArgumentTypeError(message)
    return number


@env_file_needed
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        0 when done, 1 when it failed; wrong usage ends with 2.
    """
    given = parser().parse_args(arguments)
    published = Published(given.db)
    try:
        file = SamplesFile(given.decisions)
        drawn, is_new = _drawn(file, published, given)
        judged = Standing.of(DecisionsFile(given.decisions).read()).judged
    except (DecisionsFileError, PublishedError) as error:
        sys.stderr.write(f"audit: {error}\n")
        return FAILED
    finally:
        published.close()
    answered = sum(1 for each in drawn if each.contact_id in judged)
    what = "drawn, written to" if is_new else "drawn before, in"
    sys.stdout.write(
        f"{len(drawn)} contacts {what} {file.path}; {answered} of them are judged already\n"
        "Judge them on the review page, under Audit: make review\n"
    )
    return DONE


def _drawn(
    file: SamplesFile, published: Published, given: argparse.Namespace
) -> tuple[list[Drawn], bool]:
    """Return the sample, and whether it is another than the last one."""
    last = file.last()
    plan = Plan(given.seed, given.margin, given.judgements)
    new = draw(links(published), plan, new_id(), now())
    same = [
        msgspec.structs.replace(each, id=last[0].id, drawn_at=last[0].drawn_at) for each in new
    ] if last else []  # fmt: skip
    if last and same == last:
        return last, False
    file.append(new)
    return new, True
