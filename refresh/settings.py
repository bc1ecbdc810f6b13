"""The settings of `refresh`: environment variables, or lines of `.env`, as for the taps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from console.settings import DEFAULT_ENVIRONMENT
from console.settings import variables as all_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    Value = TypeVar("Value")

SOURCES = ("kananas", "kizen")
FORMS = ("json", "slack", "teams")
SECURITIES = ("starttls", "tls", "none")
CHANNELS = ("webhook", "email", "command")
#: All that are read below and begin so.
VARIABLES = (
    "REFRESH_BUSY_TIMEOUT", "REFRESH_COMMAND", "REFRESH_MAIL_FROM", "REFRESH_MAIL_TO",
    "REFRESH_ON_FAILURE", "REFRESH_ON_RECOVERY", "REFRESH_PING_URL", "REFRESH_SMTP_HOST",
    "REFRESH_SMTP_PASSWORD", "REFRESH_SMTP_PORT", "REFRESH_SMTP_SECURITY", "REFRESH_SMTP_USER",
    "REFRESH_SOURCES", "REFRESH_STEP_TIMEOUT", "REFRESH_WEBHOOK_FORM", "REFRESH_WEBHOOK_URL",
)  # fmt: skip


class SettingError(Exception):
    """A wrong setting; the message names it."""


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
    variables = all_variables(project, environment)
    if sources is not None:
        variables["REFRESH_SOURCES"] = sources
    name = environment or variables.get("MELTANO_ENVIRONMENT") or DEFAULT_ENVIRONMENT
    output = project / "output" / name

    def path(variable: str, default: Path) -> Path:
        return Path(variables.get(variable) or default).expanduser().absolute()

    mail = _mail(variables)
    named = {
        "webhook": bool(variables.get("REFRESH_WEBHOOK_URL")),
        "email": mail is not None,
        "command": bool(variables.get("REFRESH_COMMAND")),
    }
    there_are = tuple(channel for channel in CHANNELS if named[channel])
    return Settings(
        environment=name,
        project=project,
        database=variables.get("DUCKDB_PATH") or str(output / "warehouse.duckdb"),
        published=path("DUCKDB_PUBLISH_DIR", output / "published"),
        runs_path=path("DUCKDB_RUNS_PATH", output / "runs.jsonl"),
        variables=variables,
        sources=_some_of(variables, "REFRESH_SOURCES", SOURCES, SOURCES),
        step_timeout=_read(variables, "REFRESH_STEP_TIMEOUT", _seconds, Settings.step_timeout),
        busy_timeout=_read(variables, "REFRESH_BUSY_TIMEOUT", _seconds, Settings.busy_timeout),
        is_parquet_published=bool(variables.get("PARQUET_URL")),
        webhook_url=_address(variables, "REFRESH_WEBHOOK_URL"),
        webhook_form=_one_of(variables, "REFRESH_WEBHOOK_FORM", FORMS),
        mail=mail,
        command=variables.get("REFRESH_COMMAND", ""),
        ping_url=_address(variables, "REFRESH_PING_URL"),
        on_failure=_some_of(variables, "REFRESH_ON_FAILURE", there_are, there_are),
        on_recovery=_some_of(variables, "REFRESH_ON_RECOVERY", there_are, there_are),
    )


def _mail(variables: Mapping[str, str]) -> Mail | None:
    to = _list(variables.get("REFRESH_MAIL_TO", ""))
    if not to:
        return None
    host = variables.get("REFRESH_SMTP_HOST", "")
    if not host:
        message = "REFRESH_MAIL_TO needs REFRESH_SMTP_HOST, the mail server"
        raise SettingError(message)
    security = _one_of(variables, "REFRESH_SMTP_SECURITY", SECURITIES)
    password = variables.get("REFRESH_SMTP_PASSWORD", "")
    if password and security == "none":
        message = "REFRESH_SMTP_PASSWORD would be sent for all to read: set REFRESH_SMTP_SECURITY"
        raise SettingError(message)
    default: float = 465 if security == "tls" else Mail.port
    return Mail(
        to=to,
        sender=variables.get("REFRESH_MAIL_FROM") or to[0],
        host=host,
        port=int(_read(variables, "REFRESH_SMTP_PORT", _seconds, default)),
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
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def _address(variables: Mapping[str, str], name: str) -> str:
    text = variables.get(name, "")
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_address = False
    if text and not is_address:
        message = f"{name} must be an address that begins with https:// or http://"
        raise SettingError(message)
    return text


def _one_of(variables: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    text = variables.get(name) or known[0]
    if text not in known:
        message = f"{name} must be {' or '.join(known)}"
        raise SettingError(message)
    return text


def _some_of(
    variables: Mapping[str, str], name: str, known: tuple[str, ...], default: tuple[str, ...]
) -> tuple[str, ...]:
    if name not in variables:
        return default
    named = _list(variables[name])
    unknown = [each for each in named if each not in known]
    if unknown:
        message = f"{name} names {unknown[0]!r}; there is {' and '.join(known) or 'none set'}"
        raise SettingError(message)
    return named


def _list(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())
