"""A failed answer in one readable line."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import requests

from rest_tap.responses import MAX_DETAIL_CHARACTERS, decode_json, describe_body, describe_response
from rest_tap.writers.messages import encode


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"detail": "Not found.", "code": "not_found"}', "detail: Not found.; code: not_found"),
        ('{"page_size": ["Too large."]}', "page_size: Too large."),
        (
            '{"name": [{"message": "Required.", "code": "required"}]}',
            "name: Required.",
        ),
        ('{"non_field_errors": ["No."]}', "non_field_errors: No."),
        (
            '{"errors": [{"message": "Bad field"}, "and more"]}',
            "errors: Bad field; errors: and more",
        ),
        ('["one", "two"]', "one; two"),
        ("<!DOCTYPE html><html><title>Log&nbsp;in</title></html>", "an HTML page titled 'Log in'"),
        ("  <html><body>x</body></html>", "an HTML page"),
        ("Bad   gateway\n", "Bad gateway"),
        ("", "an empty body"),
        ("{}", "an empty JSON value"),
    ],
)
def test_every_shape_of_error_is_put_into_words(body: str, words: str) -> None:
    assert describe_body(body) == words


def test_a_long_body_is_cut_short() -> None:
    words = describe_body(json.dumps({"detail": "x" * 10_000}))
    assert len(words) <= MAX_DETAIL_CHARACTERS + 1
    assert words.endswith("…")


def _answer(status: int, body: bytes, url: str, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = body  # noqa: SLF001 - the library has no public way to make an answer
    response.url = url
    response.request = requests.Request("POST", url).prepare()
    response.headers.update(headers)
    return response


def test_the_request_id_is_told_and_the_query_is_not() -> None:
    response = _answer(
        500,
        b'{"detail": "Oops"}',
        "https://crm.example/api/company?page=1&token=hidden",
        **{"X-Request-ID": "r-17"},
    )
    assert (
        describe_response(response)
        == "POST crm.example/api/company answered 500: detail: Oops (X-Request-ID r-17)"
    )


def test_a_lone_surrogate_costs_no_page() -> None:
    assert decode_json(b'[{"name": "a\\ud800b"}]', list) == [{"name": "a\ud800b"}]


@pytest.mark.parametrize("body", [b"", b"[1", b"<html>", b"\xff\xfe"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_json(body, list)


def test_json_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected"):
        decode_json(b'{"a": 1}', list)


@pytest.mark.parametrize(
    ("literal", "read"),
    [
        ("1e999999", Decimal("1e999999")),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("1e-99999999999999999999", "1e-99999999999999999999"),
        ("7" * 400, int("7" * 400)),
        ("7" * 20_000, Decimal("7" * 20_000)),
        ("-" + "7" * 20_000, Decimal("-" + "7" * 20_000)),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_number_that_is_too_large_costs_nothing(literal: str, read: object) -> None:
    (found,) = decode_json(f'[{{"n": {literal}}}]'.encode(), list)
    assert found == {"n": read}
    assert type(found["n"]) is type(read)
    # It is written as it came, or as the text of it.
    assert encode(found).decode().upper().replace("+", "") in {
        f'{{"N":{literal.upper()}}}',
        f'{{"N":"{literal.upper()}"}}',
    }


def test_an_error_with_a_number_that_is_too_large_is_put_into_words() -> None:
    assert describe_body(f'{{"detail": "No.", "n": {"7" * 5_000}}}').startswith("detail: No.; n: 7")


@pytest.mark.parametrize("odd", [b"", b', "\\ud800"'])
def test_numbers_keep_their_digits(odd: bytes) -> None:
    numbers = b"[1.5, 1.10, 12345678901234567.89, 1e3, -0.0, 7"
    found = decode_json(numbers + odd + b"]", list)[:6]
    assert found == [1.5, Decimal("1.10"), Decimal("12345678901234567.89"), 1000, 0.0, 7]
    assert [type(number) for number in found] == [float, Decimal, Decimal, Decimal, float, int]
