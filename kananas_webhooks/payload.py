"""What can be read of a body: JSON, or the fields of a form; nothing of what is neither.

No payload of Kananas' webhooks is public, and senders name their content loosely: PHP's curl
sends JSON as a form unless told otherwise. So JSON is tried whatever the body is called. What
cannot be read, or not be passed on as JSON, stays in the body, which is kept anyway.
"""

from __future__ import annotations

import json
from email.parser import Parser
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

#: Loaders and databases read nesting to some hundreds of levels; no event needs as many.
MAX_DEPTH = 64

MAX_FIELDS = 10_000


def media_type(content_type: str | None) -> str:
    """Give a `Content-Type` without its parameters, in small letters; empty where there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def is_accepted(content_type: str | None) -> bool:
    """Tell whether bodies of this type are taken: JSON, forms, text, and what has no name."""
    kind = media_type(content_type)
    known = kind in {"", JSON, FORM, MULTIPART}
    return known or kind.startswith("text/") or kind.endswith("+json")


def read_payload(body: bytes, content_type: str | None) -> str | None:
    """Read a body.

    Args:
        body: The body as it came.
        content_type: Its `Content-Type`, if it has one.

    Returns:
        A JSON text any JSON reader takes: that of the body, or an object of a form's fields;
        None where the body is neither.
    """
    text = _json_text(body)
    if text is not None:
        return text
    kind = media_type(content_type)
    if kind == FORM:
        return _form(body)
    if kind == MULTIPART:
        return _multipart(body, content_type or "")
    return None


def fields(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Make an object of names and values; a name that comes again has a list of values."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def query_fields(query: str) -> list[tuple[str, str]]:
    """Read names and values of a query string; none where it is not one."""
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return []


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _json_text(body: bytes) -> str | None:
    """Give a body as JSON text; None where it is none, or none that every reader takes."""
    try:
        text = body.decode(json.detect_encoding(body[:4])).strip(" \t\r\n")
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if not _is_plain(value):
            return None
    except (ValueError, RecursionError):
        return None
    return text


def _finite(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        _refuse_constant(digits[:20])
    return number


def _is_plain(value: Any, depth: int = 0) -> bool:  # noqa: ANN401 - any JSON value
    """Tell whether a value is shallow enough, and its text has a form in UTF-8."""
    if depth > MAX_DEPTH:
        return False
    if isinstance(value, str):
        # Half a surrogate pair can be written in JSON, and in no table.
        value.encode()
        return True
    if isinstance(value, dict):
        return all(_is_plain(name) and _is_plain(v, depth + 1) for name, v in value.items())
    if isinstance(value, list):
        return all(_is_plain(item, depth + 1) for item in value)
    return True


def _dump(pairs: Iterable[tuple[str, str]]) -> str:
    return json.dumps(fields(pairs), ensure_ascii=False)


def _form(body: bytes) -> str | None:
    for encoding, errors in (("utf-8", "strict"), ("windows-1252", "replace")):
        try:
            pairs = parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                max_num_fields=MAX_FIELDS,
                encoding=encoding,
                errors=errors,
            )
        except UnicodeDecodeError:
            continue
        except ValueError:
            return None
        return _dump(pairs) if pairs else None
    return None


def _multipart(body: bytes, content_type: str) -> str | None:
    """Read a form in parts (RFC 7578); the content of files is left to the body."""
    head = f"Content-Type: {content_type}\r\n\r\n"
    message = Parser().parsestr(head + body.decode(errors="replace"))
    pairs = []
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload()
        if isinstance(name, str) and isinstance(value, str) and part.get_filename() is None:
            pairs.append((name, value))
    return _dump(pairs) if pairs else None
