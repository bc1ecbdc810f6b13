"""The text of a body is read, in whatever charset and packing it comes."""

from __future__ import annotations

import gzip
import os
import stat
from typing import TYPE_CHECKING

import pytest

from tap_kananas.response import body as body_module
from tap_kananas.response.body import ResponseBody, ResponseBodyError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = '[{"id": 1, "name": "Zoé Œuvrard €"}]'


def read(content: bytes, content_type: str = "application/json") -> tuple[str, str | None]:
    with ResponseBody([content[:3], content[3:]], content_type) as body:
        return "".join(body.text()), body.charset_note


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("packed", [False, True])
def test_unicode_is_read_with_or_without_a_mark(charset: str, *, packed: bool) -> None:
    content = TEXT.encode(charset)
    assert read(gzip.compress(content) if packed else content) == (TEXT, None)


@pytest.mark.parametrize(
    ("content_type", "charset", "read_as"),
    [
        ("application/json", "windows-1252", "Windows-1252"),
        ("application/json; charset=utf-8", "windows-1252", "Windows-1252"),
        ("application/json; charset=nonsense", "windows-1252", "Windows-1252"),
        ("application/json; charset=iso-8859-15", "iso-8859-15", "iso8859-15"),
    ],
)
def test_another_charset_is_read_and_told(content_type: str, charset: str, read_as: str) -> None:
    text, note = read(TEXT.encode(charset), content_type)
    assert text == TEXT
    assert note is not None
    assert note.endswith(f"read as {read_as}")


@pytest.mark.parametrize(
    "charset",
    ["hex", "base64", "zlib", "bz2", "uu", "rot13", "idna", "punycode", "undefined", "utf-16"],
)
def test_a_charset_that_reads_no_stray_bytes_counts_as_none(charset: str) -> None:
    text, note = read(TEXT.encode("windows-1252"), f"application/json; charset={charset}")
    assert text == TEXT
    assert note is not None
    assert note.endswith("read as Windows-1252")


def test_a_charset_that_is_claimed_in_vain_does_no_harm() -> None:
    assert read(TEXT.encode(), "application/json; charset=iso-8859-1") == (TEXT, None)


def test_one_stray_byte_spoils_no_other_accent() -> None:
    text, note = read('["é"'.encode() + b',"\xe9"' + ',"ü"]'.encode() + b"\x81")
    assert text == '["é","é","ü"]\x81'
    assert note is not None


def test_a_character_may_lie_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "PIECE_BYTES", 1)
    assert read(TEXT.encode()) == (TEXT, None)


def test_the_beginning_can_be_left_out() -> None:
    with ResponseBody(["été 2026".encode()]) as body:
        assert "".join(body.text(3)) == " 2026"
        assert body.head(3) == "été"


@pytest.mark.parametrize("damage", [slice(0, -9), slice(0, 12)])
def test_a_damaged_gzip_file_is_an_error(damage: slice) -> None:
    with pytest.raises(ResponseBodyError, match="gzip"):
        read(gzip.compress(TEXT.encode())[damage])


@pytest.mark.parametrize("is_packed", [False, True])
def test_no_more_is_kept_or_unpacked_than_a_body_may_have(
    monkeypatch: pytest.MonkeyPatch, *, is_packed: bool
) -> None:
    content = TEXT.encode() * 2000
    monkeypatch.setattr(body_module, "MAX_BODY_BYTES", len(content))
    sent = gzip.compress(content) if is_packed else content
    assert len(read(sent)[0]) == 2000 * len(TEXT)
    monkeypatch.setattr(body_module, "MAX_BODY_BYTES", len(content) - 1)
    with pytest.raises(ResponseBodyError, match="more than 0 MiB, unpacked"):
        read(sent)


@pytest.mark.parametrize("byte", [4, 12, 14, 20])
def test_a_gzip_file_with_a_wrong_byte_is_an_error(byte: int) -> None:
    content = bytearray(gzip.compress(TEXT.encode() * 50))
    content[byte:] = b"\xff" * (len(content) - byte)
    with pytest.raises(ResponseBodyError, match="gzip"):
        read(bytes(content))


def test_the_file_is_private_and_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ResponseBody([TEXT.encode()]) as body:
        assert list(tmp_path.iterdir()) == []
        status = os.fstat(body._file.fileno())  # noqa: SLF001 - there is no other way to see it
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert status.st_size == len(TEXT.encode())
