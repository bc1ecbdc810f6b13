"""What is read of bodies in any form."""

from __future__ import annotations

import json
from time import process_time
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kananas_webhooks.payload import MAX_DEPTH, is_accepted, read_payload

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"


def parts(*fields: str) -> bytes:
    return "".join(f"--b\r\n{field}\r\n" for field in fields).encode() + b"--b--\r\n"


def part(disposition: str, value: str) -> str:
    return f"Content-Disposition: form-data; {disposition}\r\n\r\n{value}"


def nested(depth: int) -> bytes:
    """Forms in parts of forms."""
    return "".join(
        f"--b{level}\r\nContent-Type: multipart/mixed; boundary=b{level + 1}\r\n\r\n"
        for level in range(depth)
    ).encode()


@pytest.mark.parametrize(
    ("body", "content_type", "payload"),
    [
        (b'{"id": 1}', "application/json", {"id": 1}),
        (b'{"id": 1}', None, {"id": 1}),
        (b' [{"id": 1}]\n', "text/plain", [{"id": 1}]),
        (b'{"id": 1}', FORM, {"id": 1}),  # as PHP's curl sends it
        (b'\xef\xbb\xbf{"id": 1}', "application/json", {"id": 1}),
        ('{"é": 1}'.encode("utf-16"), "application/json", {"é": 1}),
        (b"17", "application/json", 17),
        (b"a=1&b=&a=2", FORM, {"a": ["1", "2"], "b": ""}),
        ("nom=Zoé".encode(), FORM, None),  # not encoded as a form has to be
        (b"nom=Zo%C3%A9&x=1%2B1+2", FORM, {"nom": "Zoé", "x": "1+1 2"}),
        (b"nom=Zo%E9", FORM, {"nom": "Zoé"}),  # Windows-1252
        (b"", FORM, None),
        (parts(part('name="nom"', "Zoé"), part('name="é"', "1\r\n2")), PARTS,
         {"nom": "Zoé", "é": "1\r\n2"}),
        (parts(part('name="photo"; filename="a.jpg"', "\x00\x01"), part('name="a"', "1")), PARTS,
         {"a": "1"}),
        (b"no parts", PARTS, None),
        (parts(part("name*=utf-8''%C3%A9", "1"), part("name*=a\0b''%ff", "2")), PARTS, {"é": "1"}),
        (parts(part("name=a; filename*=a\0b''%ff", "1"), part("name=b", "2")), PARTS, {"b": "2"}),
        (parts(part("name=a", "x")), "multipart/form-data; boundary*=a\0b''%ff", None),
        (nested(3), "multipart/form-data; boundary=b0", None),
        (nested(5_000), "multipart/form-data; boundary=b0", None),
        (parts(part("name=a", "--c\r\nx\r\n--b-\r\n --b")), PARTS,
         {"a": "--c\r\nx\r\n--b-\r\n --b"}),
        (b"--b\n" + part("name=a", "1").replace("\r", "").encode() + b"\n--b--", PARTS, {"a": "1"}),
        (b"--b\r\n", "multipart/form-data", None),
        (b"bonjour", "text/plain", None),
        (b"", "application/json", None),
        (b'{"id": 1', "application/json", None),
        (b'{"id": NaN}', "application/json", None),
        (b'{"id": 1e999}', "application/json", None),
        (rb'{"id": "\ud800"}', "application/json", None),  # no UTF-8 can hold it
        (rb'{"\udfff": 1}', "application/json", None),
        (b'"\xff"', "application/json", None),
        (b"1" * 5000, "application/json", None),  # more digits than Python reads
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "application/json", None),
        (b"[" * 100_000 + b"]" * 100_000, "application/json", None),
        (b"&" * 100_000, FORM, None),
    ],
)  # fmt: skip
def test_read(body: bytes, content_type: str | None, payload: Any) -> None:
    text = read_payload(body, content_type)
    assert (None if text is None else json.loads(text)) == payload


HEAD = "--b\r\nContent-Disposition: form-data; name=a"


@pytest.mark.parametrize(
    "body",
    [
        HEAD + "\r\n x;" * 200_000 + "\r\n\r\nx\r\n--b--",
        HEAD + '; a*0="b"' * 110_000 + "\r\n\r\nx\r\n--b--",
        "--b\r\n" * 160_000,
        nested(14_000).decode(),
    ],
    ids=range(4),
)
def test_no_form_takes_long(body: str) -> None:
    before = process_time()
    assert read_payload(body.encode(), PARTS) is None
    assert read_payload(body.encode(), PARTS.replace("=b", "=b0")) is None
    assert process_time() - before < 2


def test_json_keeps_its_digits() -> None:
    assert read_payload(b'{"n": 1.00000000000000000001}', None) == '{"n": 1.00000000000000000001}'


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        (None, True),
        ("", True),
        ("application/json", True),
        ("Application/JSON ; charset=utf-8", True),
        ("application/cloudevents+json", True),
        (FORM, True),
        (PARTS, True),
        ("text/plain", True),
        ("application/octet-stream", False),
        ("application/xml", False),
        ("image/png", False),
        ("json", False),
    ],
)
def test_accepted(content_type: str | None, accepted: bool) -> None:  # noqa: FBT001
    assert is_accepted(content_type) is accepted


@settings(max_examples=60, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=50).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text("aé&=%\0"))).map(
            lambda pairs: urlencode(pairs).encode()
        ),
        st.lists(st.binary(max_size=30)).map(
            lambda lines: (
                b"--b\r\nContent-Disposition: form-data; name=" + b"\r\n--b\r\n".join(lines)
            )
        ),
    ),
    content_type=st.sampled_from(
        ["application/json", FORM, PARTS, "text/plain", "multipart/form-data; x"]
    ),
)
def test_whatever_comes_is_read_or_is_not(body: bytes, content_type: str) -> None:
    text = read_payload(body, content_type)
    if text is not None:
        json.loads(text.encode())
