"""What can be read of a body: JSON, or the fields of a form; nothing of what is neither.

No payload of Kananas' webhooks is public, and senders name their content loosely: PHP's curl
sends JSON as a form unless told otherwise. So JSON is tried whatever the body is called. What
cannot be read, or not be passed on as JSON, stays in the body, which is kept anyway.
"""

from __future__ import annotations

import json
import re
from email.message import Message
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value
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

#: Characters that the head of a part may have: reading one takes the square of its length.
MAX_HEAD = 4_000


def media_type(content_type: str | None) -> str:
    """Return a `Content-Type` without its parameters, in lower case; empty where there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def is_accepted(content_type: str | None) -> bool:
    """Return whether bodies of this type are taken: JSON, forms, text, and what has no name."""
    kind = media_type(content_type)
    known = kind in {"", JSON, FORM, MULTIPART}
    return known or kind.startswith("text/") or kind.endswith("+json")


def is_plain(content_encoding: str) -> bool:
    """Return whether a body is as it is read: no coding is named but that of none, in any case."""
    return {each.strip().lower() for each in content_encoding.split(",")} <= {"", "identity"}


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
    """Return a body as JSON text; None where it is none, or none that every reader takes."""
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
    """Return whether a value is shallow enough, and its text has a form in UTF-8."""
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
    """Read a form in parts (RFC 7578); the content of files is left to the body.

    Parts stand side by side in a form: those within a part are part of its value.
    """
    boundary = _parameter(content_type, "boundary")
    if not boundary:
        return None
    delimiter = rf"(?:^|\r?\n)--{re.escape(boundary)}(?:--)?[ \t]*(?=\r?\n|$)"
    pieces = re.split(delimiter, body.decode(errors="replace"), maxsplit=MAX_FIELDS + 1)
    if len(pieces) > MAX_FIELDS + 1:
        return None
    pairs = []
    for piece in pieces[1:]:
        head, *value = re.split(r"\r?\n\r?\n", piece.removeprefix("\r"), maxsplit=1)
        disposition = _header(head, "Content-Disposition") if value else ""
        name = _parameter(disposition, "name")
        if name and _parameter(disposition, "filename") is None:
            pairs.append((name, value[0]))
    return _dump(pairs) if pairs else None


def _header(head: str, name: str) -> str:
    """Return a header of a part; empty where there is none, or the head is too long."""
    return str(HeaderParser().parsestr(head.lstrip())[name] or "") if len(head) <= MAX_HEAD else ""


def _parameter(header: str, name: str) -> str | None:
    """Return a parameter of a header; None where it has none, empty where it cannot be read."""
    if len(header) > MAX_HEAD:
        return ""
    message = Message()
    message["Content-Disposition"] = header
    try:
        value = message.get_param(name, header="Content-Disposition")
        return None if value is None else collapse_rfc2231_value(value)
    except ValueError:
        # An encoding whose name is none.
        return ""
