"""The settings of `refresh`: environment variables, or lines of `.env`, as for the taps."""

from __future__ import annotations

import re
import shlex
import threading
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from console.settings import DEFAULT_ENVIRONMENT, EnvFileError
from console.settings import variables as all_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    Value = TypeVar("Value")

SOURCES = ("kananas", "kizen")
FORMS = ("json", "slack", "teams")
SECURITIES = ("starttls", "tls", "none")
CHANNELS = ("webhook", "email", "command")
_LARGEST_PORT = 65_535
_LOCAL_NAME = re.compile(r"[\w.+-]+")
#: An address of IPv6 has more than one colon.
_NOT_IN_HOST = re.compile(r"[/\s@]|^[^:]*:[^:]*$")
_NOT_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f]")
#: All that are read below and begin so.
VARIABLES = (
    "REFRESH_BUSY_TIMEOUT", "REFRESH_COMMAND", "REFRESH_MAIL_FROM", "REFRESH_MAIL_TO",
    "REFRESH_ON_FAILURE", "REFRESH_ON_RECOVERY", "REFRESH_PING_URL", "REFRESH_SMTP_HOST",
    "REFRESH_SMTP_PASSWORD", "REFRESH_SMTP_PORT", "REFRESH_SMTP_SECURITY", "REFRESH_SMTP_USER",
    "REFRESH_SOURCES", "REFRESH_STEP_TIMEOUT", "REFRESH_WEBHOOK_FORM", "REFRESH_WEBHOOK_URL",
)  # fmt: skip


class SettingError(Exception):
    """A wrong setting; the message names it.

    Attributes:
        others: All others, by which somebody can be told of it; None where they are not known.
    """

    def __init__(self, reason: str, others: Settings | None = None) -> None:
        """Say what is wrong."""
        super().__init__(reason)
        self.others = others


@dataclass(frozen=True)
class Mail:
    """The channel `email`."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int = 587
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Settings:
    """What a run goes by.

    Attributes:
        variables: All variables of the environment, of `.env` and of `meltano.yml`.
        sources: Which are read now.
        usual_sources: Which are read where the command line names none.
        is_parquet_published: Whether Parquet files are published, too.
        folder: Where what happened is kept, with the lock and the log.
    """

    environment: str
    project: Path
    database: str
    published: Path
    runs_path: Path
    variables: Mapping[str, str] = field(repr=False)
    sources: tuple[str, ...] = SOURCES
    usual_sources: tuple[str, ...] = SOURCES
    step_timeout: float = 6 * 3600
    busy_timeout: float = 360
    is_parquet_published: bool = False
    webhook_url: str = field(default="", repr=False)
    webhook_form: str = "json"
    mail: Mail | None = None
    command: str = ""
    ping_url: str = field(default="", repr=False)
    on_failure: tuple[str, ...] = ()
    on_recovery: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the lock, the log and the memory of alerts are: beside the file of runs."""
        return self.runs_path.parent


def read(
    environment: str | None = None, project: Path | None = None, *, sources: str | None = None
) -> Settings:
    """Return the settings.

    Args:
        environment: Of Meltano; by default `MELTANO_ENVIRONMENT`, else `prod`.
        project: The folder of the Meltano project; by default this one.
        sources: Which are read, parted by commas; by default `REFRESH_SOURCES`.

    Raises:
        SettingError: One is wrong.
    """
    project = project or Path.cwd()
    if not (project / "meltano.yml").is_file():
        message = f"there is no meltano.yml in {project}: run this in the folder of the project"
        raise SettingError(message)
    try:
        variables = all_variables(project, environment)
    except EnvFileError as error:
        raise SettingError(str(error)) from None
    # Who writes it by hand reads what is wrong with it: nobody else has to be told.
    given = {} if sources is None else {"REFRESH_SOURCES": sources}
    asked_for = _some_of(given, "REFRESH_SOURCES", SOURCES)
    name = environment or variables.get("MELTANO_ENVIRONMENT") or DEFAULT_ENVIRONMENT
    output = project / "output" / name
    wrong: list[str] = []

    def path(variable: str, default: Path) -> Path:
        return right(lambda: _path(variables, variable, default), default)

    def right(read_one: Callable[[], Value], default: Value) -> Value:
        """Return a setting; its default where it is wrong, which is raised once all are read."""
        try:
            return read_one()
        except SettingError as error:
            wrong.append(str(error))
            return default

    def number(variable: str, default: float) -> float:
        return right(lambda: _read(variables, variable, _seconds, default), default)

    def some(variable: str, known: tuple[str, ...]) -> tuple[str, ...]:
        return right(lambda: _some_of(variables, variable, known), known)

    mail = right(lambda: _mail(variables), None)
    command = right(lambda: _command(variables), "")
    webhook_url = right(lambda: _address(variables, "REFRESH_WEBHOOK_URL"), "")
    named = {"webhook": bool(webhook_url), "email": mail is not None, "command": bool(command)}
    # What is wrong in a channel itself is not said of those who name it, too.
    are_known = not wrong
    there_are = tuple(channel for channel in CHANNELS if named[channel])
    on_failure, on_recovery = (
        some(variable, there_are) if are_known else there_are
        for variable in ("REFRESH_ON_FAILURE", "REFRESH_ON_RECOVERY")
    )
    usual_sources = some("REFRESH_SOURCES", SOURCES) or SOURCES
    settings = Settings(
        environment=name,
        project=project,
        database=variables.get("DUCKDB_PATH") or str(output / "warehouse.duckdb"),
        published=path("DUCKDB_PUBLISH_DIR", output / "published"),
        runs_path=path("DUCKDB_RUNS_PATH", output / "runs.jsonl"),
        variables=variables,
        sources=usual_sources if sources is None else asked_for or usual_sources,
        usual_sources=usual_sources,
        step_timeout=number("REFRESH_STEP_TIMEOUT", Settings.step_timeout),
        busy_timeout=number("REFRESH_BUSY_TIMEOUT", Settings.busy_timeout),
        is_parquet_published=bool(variables.get("PARQUET_URL")),
        webhook_url=webhook_url,
        webhook_form=right(lambda: _one_of(variables, "REFRESH_WEBHOOK_FORM", FORMS), FORMS[0]),
        mail=mail,
        command=command,
        ping_url=right(lambda: _address(variables, "REFRESH_PING_URL"), ""),
        on_failure=on_failure,
        on_recovery=on_recovery,
    )
    if wrong:
        raise SettingError("; ".join(wrong), settings)
    return settings


def _mail(variables: Mapping[str, str]) -> Mail | None:
    to = _mail_addresses(variables, "REFRESH_MAIL_TO")
    if not to:
        return None
    host = variables.get("REFRESH_SMTP_HOST", "").strip()
    if _NOT_IN_HOST.search(host):
        message = (
            "REFRESH_SMTP_HOST must be the name of a mail server alone: "
            "its port is REFRESH_SMTP_PORT"
        )
        raise SettingError(message)
    if not host:
        message = "REFRESH_MAIL_TO needs REFRESH_SMTP_HOST, the mail server"
        raise SettingError(message)
    security = _one_of(variables, "REFRESH_SMTP_SECURITY", SECURITIES)
    password = variables.get("REFRESH_SMTP_PASSWORD", "")
    if password and security == "none":
        message = "REFRESH_SMTP_PASSWORD would be sent for all to read: set REFRESH_SMTP_SECURITY"
        raise SettingError(message)
    senders = _mail_addresses(variables, "REFRESH_MAIL_FROM") or to
    return Mail(
        to=to,
        sender=senders[0],
        host=host,
        port=_port(variables, "REFRESH_SMTP_PORT", 465 if security == "tls" else Mail.port),
        security=security,
        user=variables.get("REFRESH_SMTP_USER", ""),
        password=password,
    )


def _read(
    variables: Mapping[str, str], name: str, read_one: Callable[[str], Value], default: Value
) -> Value:
    text = variables.get(name, "")
    if not text:
        return default
    try:
        return read_one(text)
    except ValueError:
        message = f"{name} must be a number above 0"
        raise SettingError(message) from None


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= threading.TIMEOUT_MAX:
        raise ValueError
    return value


def _path(variables: Mapping[str, str], name: str, default: Path) -> Path:
    try:
        return Path(variables.get(name) or default).expanduser().absolute()
    except RuntimeError:
        message = f"{name} begins with a ~ of nobody whose folder is known"
        raise SettingError(message) from None


def _port(variables: Mapping[str, str], name: str, default: int) -> int:
    text = variables.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _LARGEST_PORT):
        message = f"{name} must be a whole number from 1 to {_LARGEST_PORT}"
        raise SettingError(message)
    return int(text)


def _command(variables: Mapping[str, str]) -> str:
    text = variables.get("REFRESH_COMMAND", "").strip()
    try:
        shlex.split(text)
    except ValueError as error:
        message = f"REFRESH_COMMAND cannot be parted into a program and its arguments: {error}"
        raise SettingError(message) from None
    return text


def _mail_addresses(variables: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return addresses as a letter has them, such as `Zoé <zoe@example.org>`."""
    text = variables.get(name, "").strip(" ,")
    if not text:
        return ()
    try:
        letter = EmailMessage()
        letter["To"] = text
        found = letter["To"].addresses
        is_right = all(each.domain or _LOCAL_NAME.fullmatch(each.username) for each in found)
        # What it cannot read, as behind a semicolon, it leaves out.
        is_right = is_right and all(
            "no domain" in str(each) or "no content" in str(each) for each in letter["To"].defects
        )
    # Its parser does not know a way out of some texts.
    except (HeaderParseError, IndexError, ValueError):
        found, is_right = (), False
    if not found or not is_right:
        message = f"{name} must be addresses such as zoe@example.org, parted by commas"
        raise SettingError(message)
    return tuple(str(each) for each in found)


def _address(variables: Mapping[str, str], name: str) -> str:
    text = variables.get(name, "").strip()
    try:
        parts = urlsplit(text)
        # An address of another port than a number has none: `port` raises.
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        is_address = (
            is_address and (parts.path + parts.query).isascii() and not _NOT_IN_ADDRESS.search(text)
        )
    except ValueError:
        is_address = False
    if text and not is_address:
        message = (
            f"{name} must be an address that begins with https:// or http://, "
            "without spaces and with % for signs that are not ASCII"
        )
        raise SettingError(message)
    return text


def _one_of(variables: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    text = variables.get(name) or known[0]
    if text not in known:
        message = f"{name} must be {' or '.join(known)}"
        raise SettingError(message)
    return text


def _some_of(variables: Mapping[str, str], name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if name not in variables:
        return known
    named = _list(variables[name])
    unknown = [each for each in named if each not in known]
    if unknown:
        message = f"{name} names {unknown[0]!r}; there is {' and '.join(known) or 'none set'}"
        raise SettingError(message)
    return named


def _list(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
