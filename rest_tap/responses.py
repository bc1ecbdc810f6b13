"""What a service's answer says, in one readable line.

An answer that is no data must reach the user as plain words: which endpoint, which status,
what the service itself said, and its request id. Bodies are cut short, so that no page of
HTML and no list of records lands in a log.
"""

from __future__ import annotations

import html
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from rest_tap.logs import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

T = TypeVar("T")

MAX_DETAIL_CHARACTERS = 300
MAX_NAMES = 20
CUT = "…"
TOO_DEEP = "values nested too deeply"

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(r"^\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)


def exact(literal: str) -> float | Decimal | str:
    """Read a number so that it is written again as it came, with all of its digits.

    Args:
        literal: A number with a point or an exponent, as JSON has it.

    Returns:
        The number; its text where the exponent is beyond what a decimal number can have, about
        10 to the 18th.
    """
    number = float(literal)
    if repr(number) == literal:
        return number
    try:
        return Decimal(literal)
    except ArithmeticError:
        return literal


def whole(literal: str) -> int | Decimal:
    """Read an integer of any length: Python makes none of more than some thousand digits."""
    try:
        return int(literal)
    except ValueError:
        return Decimal(literal)


def _decode_leniently(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Decode JSON, and what is nearly JSON: NaN and infinities become their names."""
    return json.loads(text, parse_float=exact, parse_int=whole, parse_constant=str)


def decode_json(body: bytes | msgspec.Raw, shape: type[T]) -> T:
    """Decode a body into a shape.

    What the fast decoder refuses though many services send it (lone surrogates, NaN, integers
    of thousands of digits) is read by the lenient one, so that a single odd value does not cost
    a page.

    Args:
        body: UTF-8 JSON.
        shape: A msgspec Struct or a builtin type.

    Raises:
        ValueError: If the body is no JSON, or of another shape.
    """
    try:
        return msgspec.json.Decoder(shape, float_hook=exact).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            return msgspec.convert(_decode_leniently(bytes(body)), type=shape)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error
        except RecursionError as error:
            raise ValueError(TOO_DEEP) from error


def is_html(text: str) -> bool:
    """Return whether a body is a web page, whatever its content type claims."""
    return _MARKUP.match(text) is not None


def _shorten(text: str) -> str:
    words = printable(" ".join(text.split()))
    if len(words) <= MAX_DETAIL_CHARACTERS:
        return words
    return words[:MAX_DETAIL_CHARACTERS] + CUT


def _messages(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield the words of a JSON error body, each with the key it stands under."""
    if isinstance(value, dict):
        if isinstance(value.get("message"), str):
            yield value["message"]
            return
        for key, nested in value.items():
            for message in _messages(nested):
                yield f"{key}: {message}"
    elif isinstance(value, list):
        for nested in value:
            yield from _messages(nested)
    elif value is not None:
        yield str(value)


def describe_body(text: str) -> str:
    """Put an error body into words.

    Args:
        text: The body: a JSON error of any shape, an HTML page, plain text or nothing.

    Returns:
        One line of at most about `MAX_DETAIL_CHARACTERS` characters.
    """
    if not text.strip():
        return "an empty body"
    if is_html(text):
        title = _TITLE.search(text)
        named = f" titled '{_shorten(html.unescape(title.group(1)))}'" if title else ""
        return f"an HTML page{named}"
    try:
        return _shorten("; ".join(_messages(_decode_leniently(text)))) or "an empty JSON value"
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return _shorten(text)


def describe_data(text: str) -> str:
    """Put a body that should have been data into words, without any value in it.

    Args:
        text: The body of a successful answer, which may hold somebody's data.

    Returns:
        One line: what kind of body it is, and the names of a JSON object's keys.
    """
    if not text.strip() or is_html(text):
        return describe_body(text)
    try:
        body = _decode_leniently(text)
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return "text that is no JSON"
    if isinstance(body, dict):
        names = ", ".join(f"'{name}'" for name in list(body)[:MAX_NAMES])
        return _shorten(f"a JSON object with the keys {names}") if names else "an empty JSON object"
    return "a JSON array" if isinstance(body, list) else "a single JSON value"


def describe_response(response: requests.Response) -> str:
    """Put a whole answer into words: endpoint, status, the service's words, its request id.

    The query string is left out: it may hold what a user would not want in a log. So is every
    value of an answer that is no error.

    Args:
        response: The answer, with its body read.

    Returns:
        One line, without credentials.
    """
    method = response.request.method if response.request else "GET"
    address = urlsplit(response.url)
    describe = describe_data if response.ok else describe_body
    line = (
        f"{method} {address.hostname}{address.path} answered {response.status_code}: "
        f"{describe(response.text)}"
    )
    request_id = response.headers.get("X-Request-ID")
    return f"{line} (X-Request-ID {_shorten(request_id)})" if request_id else line
