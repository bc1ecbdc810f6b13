"""The settings both taps have, and how a wrong one is told."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator
from singer_sdk import typing as th

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema.exceptions import ValidationError

DEFAULT_REQUEST_TIMEOUT_SECONDS = 300
DEFAULT_REQUEST_TRIES = 6

#: What is sent in a header: no blank, no line end, nothing beyond ASCII.
_CREDENTIAL = r"^[!-~]+(?![\s\S])"
CREDENTIAL = th.StringType(pattern=_CREDENTIAL)

#: What a header takes, blanks among it.
_HEADER = r"^[!-~][ -~]*(?![\s\S])"
HEADER = th.StringType(pattern=_HEADER)

#: An address without user and password (`https://user:word@host`), query and fragment.
ADDRESS = r"^https?://[^?#@\s]+$"

#: What people are told of a rule: a pattern says little, and less without the value.
_RULES = {
    _CREDENTIAL: "must be letters, digits and signs of ASCII, without blanks and quotes around it",
    _HEADER: "must be letters, digits and signs of ASCII in one line",
    ADDRESS: "must begin with https:// or http://, and have no user, blank, question mark or #",
}

# What the SDK takes for granted of `batch_config`, and its own schema does not ask for.
_BATCH_FILES = Draft7Validator(
    {
        "properties": {
            "batch_config": {
                "if": {"type": "object", "minProperties": 1},
                "then": {
                    "required": ["encoding", "storage"],
                    "additionalProperties": False,
                    "properties": {
                        "encoding": {
                            "type": "object",
                            "required": ["format"],
                            "additionalProperties": False,
                            "properties": {"format": {}, "compression": {}},
                        },
                        "storage": {
                            "type": "object",
                            "required": ["root"],
                            "additionalProperties": False,
                            "properties": {
                                "root": {"type": "string", "minLength": 1},
                                "prefix": {"type": ["string", "null"]},
                                "params": {"type": "object"},
                            },
                        },
                        "batch_size": {"type": ["integer", "null"], "minimum": 1},
                    },
                },
            }
        }
    }
)

# What the SDK takes for true, and what means false.
_BOOLEANS = frozenset({"true", "1", "yes", "on", "false", "0", "no", "off"})

_USER = re.compile(r"//[^/\s]*@")

COMMON_SETTINGS: tuple[th.Property[Any], ...] = (
    th.Property(
        "user_agent",
        HEADER,
        title="User agent",
        description="What the tap calls itself in the User-Agent header.",
    ),
    th.Property(
        "request_timeout",
        th.IntegerType(minimum=1),
        default=DEFAULT_REQUEST_TIMEOUT_SECONDS,
        title="Request timeout",
        description="Seconds to wait for the service to connect, and between two pieces of an "
        "answer, before a request counts as failed and is tried again.",
    ),
    th.Property(
        "request_tries",
        th.IntegerType(minimum=1),
        default=DEFAULT_REQUEST_TRIES,
        title="Request tries",
        description="How often a request is tried in all, when the connection breaks or the "
        "service answers 429 or 5xx. Waits double from about a second.",
    ),
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType(),
        default=True,
        title="Emit ACTIVATE_VERSION messages",
        description="Tell the loader after each complete read of a whole table which rows are "
        "current, so that it can mark or remove those that vanished.",
    ),
)


def _explain(error: ValidationError, schema: Mapping[str, Any], env_prefix: str) -> str:
    if error.validator == "required" and not error.path:
        # One error comes for each missing name, told apart only by its message.
        required: list[str] = schema["required"]
        missing = next(name for name in required if error.message.startswith(repr(name)))
        return (
            f"setting '{missing}' is missing (environment variable {env_prefix}{missing.upper()})"
        )
    name = str(error.path[0]) if error.path else ""
    setting = schema.get("properties", {}).get(name, {})
    if len(error.path) == 1 and _is_empty(error.instance):
        return f"setting '{name}' is empty (environment variable {env_prefix}{name.upper()})"
    if setting.get("secret"):
        # The validator's own words quote the value.
        # A pattern only: nothing else has such a value.
        words = _RULES.get(str(error.validator_value), f"breaks its rule '{error.validator}'")
        return f"setting '{name}' {words} (the value is secret)"
    if error.validator == "pattern":
        shown = _USER.sub("//***@", repr(error.instance))
        pattern = str(error.validator_value)
        rule = _RULES.get(pattern, f"does not match {pattern!r}")
        return f"setting '{name}'{_where(error)}: {shown} {rule}"
    # An address may hold a password.
    return f"setting '{name}'{_where(error)}: {_USER.sub('//***@', error.message)}"


def _where(error: ValidationError) -> str:
    """Return the place of a wrong value within its setting."""
    return "".join(f"[{step!r}]" for step in list(error.path)[1:])


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def explain_settings_errors(
    config: Mapping[str, Any], schema: Mapping[str, Any], env_prefix: str
) -> list[str]:
    """Say what is wrong with a tap's settings, without showing a secret.

    Args:
        config: The settings as given.
        schema: The tap's `config_jsonschema`.
        env_prefix: What the tap's environment variables begin with, such as `TAP_KIZEN_`.

    Returns:
        One line for each wrong setting; none where all is well.
    """
    errors = list(Draft7Validator(schema).iter_errors(config))
    if not any("batch_config" in error.path for error in errors):
        errors += _BATCH_FILES.iter_errors(config)
    return [_explain(error, schema, env_prefix) for error in errors]


def _variables(schema: Mapping[str, Any], env_prefix: str) -> Iterator[tuple[str, str, set[str]]]:
    """Return each setting, the environment variable of it, and its types."""
    for name, setting in schema.get("properties", {}).items():
        types = {setting["type"]} if isinstance(setting["type"], str) else {*setting["type"]}
        yield name, f"{env_prefix}{name.upper()}", types


def explain_environment(
    environment: Mapping[str, str], schema: Mapping[str, Any], env_prefix: str
) -> list[str]:
    """Return a line for each environment variable that cannot be read as its setting.

    Args:
        environment: The environment variables.
        schema: The tap's `config_jsonschema`.
        env_prefix: What the tap's environment variables begin with, such as `TAP_KIZEN_`.
    """
    lines = []
    for name, variable, types in _variables(schema, env_prefix):
        read = int if "integer" in types else json.loads if types & {"array", "object"} else str
        try:
            read(environment.get(variable, "0"))
        except ValueError:
            wanted = "an integer" if read is int else "JSON"
            lines.append(f"setting '{name}' (environment variable {variable}) is not {wanted}")
    return lines


def explain_booleans(
    environment: Mapping[str, str], schema: Mapping[str, Any], env_prefix: str
) -> list[str]:
    """Return a line for each variable of a boolean that is neither: the SDK takes it for false.

    Args:
        environment: The environment variables.
        schema: The tap's `config_jsonschema`.
        env_prefix: What the tap's environment variables begin with, such as `TAP_KIZEN_`.
    """
    return [
        f"setting '{name}' (environment variable {variable}) is neither true nor false"
        for name, variable, types in _variables(schema, env_prefix)
        if "boolean" in types and environment.get(variable, "false").lower() not in _BOOLEANS
    ]
