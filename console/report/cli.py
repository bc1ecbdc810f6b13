"""`report`: write the report beside the published copy."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from console.published import Published, PublishedError, copy_name
from console.report import earlier
from console.report.page import Settings, render
from console.texts import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    Value = TypeVar("Value")

FILE = "report.html"
_DEFAULT = Settings()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        0 when the report was written, 1 when it could not be. A wrong setting ends with 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        database = _database(options.database)
        settings = Settings(
            names=_setting(options.names, "REPORT_NAMES", _boolean, _DEFAULT.names),
            language=_setting(options.language, "REPORT_LANGUAGE", _language, _DEFAULT.language),
            stale_hours=_setting(
                options.stale_hours, "REPORT_STALE_HOURS", _positive, _DEFAULT.stale_hours
            ),
            queue_length=_setting(
                options.queue_length, "REPORT_QUEUE_LENGTH", _whole, _DEFAULT.queue_length
            ),
            dbt_target=_setting(
                options.dbt_target_path, "REPORT_DBT_TARGET_PATH", _path, _dbt_target()
            ),
            review_url=_setting(options.review_url, "REPORT_REVIEW_URL", _url, _DEFAULT.review_url),
        )
        output = _setting(options.output, "REPORT_OUTPUT", _path, database.with_name(FILE))
    except ValueError as error:
        parser.error(str(error))
    try:
        with closing(Published(database)) as published:
            page = render(published, settings, earlier.read(output))
    except PublishedError as error:
        sys.stderr.write(f"report: {error}\n")
        return 1
    try:
        write(output, page)
    except OSError as error:
        sys.stderr.write(f"report: cannot write {output}: {error.strerror}\n")
        return 1
    # As the file system has it, whatever the encoding of the terminal.
    sys.stdout.buffer.write(os.fsencode(output) + b"\n")
    return 0


def write(path: Path, page: str) -> None:
    """Replace a page in one step; only its owner can read it.

    A run that is killed leaves its half in a file that the next one takes over.

    Raises:
        OSError: It cannot be written; the old page stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.writing")
    while True:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Another run may have put it in its place while this one waited.
            if not os.fstat(descriptor).st_nlink or not _is_still(temporary, descriptor):
                continue
            os.fchmod(descriptor, 0o600)
            file.truncate()
            file.write(page)
            file.flush()
            os.fsync(descriptor)
            temporary.replace(path)
            return


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="report",
        description="Write what the published copy says as one HTML file for people.",
        epilog="Each option has an environment variable: REPORT_NAMES, REPORT_LANGUAGE and so on.",
    )
    parser.add_argument(
        "database",
        nargs="?",
        help="the published copy (default: the file of $DUCKDB_PATH in $DUCKDB_PUBLISH_DIR)",
    )
    parser.add_argument("--output", help=f"the page (default: {FILE} beside the copy)")
    parser.add_argument("--names", help="false leaves out what records say, but for keys")
    parser.add_argument("--language", help=f"where the browser asks for none: {_list(LANGUAGES)}")
    parser.add_argument("--stale-hours", help="after how many hours a source is not fresh")
    parser.add_argument("--queue-length", help="how many proposals are shown")
    parser.add_argument("--review-url", help="where people find the review page")
    parser.add_argument("--dbt-target-path", help="where dbt leaves run_results.json")
    return parser


def _database(given: str | None) -> Path:
    if given:
        return _path(given)
    path, folder = os.environ.get("DUCKDB_PATH"), os.environ.get("DUCKDB_PUBLISH_DIR")
    if not path or not folder:
        message = "name the published copy, or set DUCKDB_PATH and DUCKDB_PUBLISH_DIR"
        raise ValueError(message)
    return _path(folder) / copy_name(path)


def _dbt_target() -> Path:
    """Return where dbt leaves its files when Meltano runs it in this folder."""
    # dbt takes a path that is not absolute from the folder of its project.
    return Path("dbt_project", os.environ.get("DBT_TARGET_PATH") or "target")


def _setting(
    given: str | None, variable: str, read: Callable[[str], Value], default: Value
) -> Value:
    """Return a setting: of the command line, else of the environment, else the default.

    Raises:
        ValueError: It is no such value; the message names it.
    """
    text = given if given is not None else os.environ.get(variable, "")
    if not text:
        return default
    try:
        return read(text)
    except ValueError as error:
        option = variable.removeprefix("REPORT_").lower().replace("_", "-")
        message = f"--{option} ({variable}) must be {error}"
        raise ValueError(message) from None


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _boolean(text: str) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        message = "true or false"
        raise ValueError(message)
    return known[text.lower()]


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError(_list(LANGUAGES))
    return text


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        message = "a whole number, 0 or more"
        raise ValueError(message)
    return int(text)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        message = "a whole number, 1 or more"
        raise ValueError(message)
    return int(text)


def _url(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        message = "an address that begins with https:// or http://"
        raise ValueError(message)
    return text


def _list(words: Sequence[str]) -> str:
    return " or ".join(words)


if __name__ == "__main__":
    sys.exit(main())
