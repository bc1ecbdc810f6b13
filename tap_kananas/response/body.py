"""The body of a response, as it came, in a private file.

The file has no name, so that no other program can open it and nothing is left behind, however
the tap ends. Half a million contacts are hundreds of megabytes: only a piece of them is in
memory at a time.
"""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from email.message import Message
from functools import cached_property, partial
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING
from weakref import finalize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Self

PIECE_BYTES = 256 * 1024

MAX_BODY_BYTES = 4 << 30
"""The longest body that is believed, unpacked: ten times half a million contacts."""

_GZIP = b"\x1f\x8b"
_STRAY = "windows-1252"
_PROBE = b"a\xe9\xff"


def _read_stray_bytes(error: UnicodeError) -> tuple[str, int]:
    """Take bytes that are no UTF-8 as Windows-1252, where all but five bytes are characters.

    Only the bytes in question: text that is partly UTF-8 keeps its accents.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    text = "".join(bytes([byte]).decode("windows-1252", "ignore") or chr(byte) for byte in stray)
    return text, error.end


codecs.register_error(_STRAY, _read_stray_bytes)


def declared_charset(content_type: str) -> str | None:
    """Return the charset a `Content-Type` names; None where it names none that reads any bytes."""
    message = Message()
    message["Content-Type"] = content_type
    charset = message.get_content_charset()
    if charset is None:
        return None
    try:
        # Python also knows codecs of other things (`hex`), and some that take no stray bytes.
        _PROBE.decode(charset, "replace")
        codecs.getincrementaldecoder(charset)(_STRAY).decode(_PROBE, final=True)
        return codecs.lookup(charset).name
    except (LookupError, UnicodeError):
        return None


class ResponseBodyError(ValueError):
    """A body that cannot be unpacked, or not in full; the message says why.

    Attributes:
        settings: The settings that may help.
    """

    def __init__(self, words: str, *settings: str) -> None:
        """Keep the message, and the settings it names."""
        super().__init__(words)
        self.settings = settings


def _believed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a body.

    Raises:
        ResponseBodyError: If there are more than `MAX_BODY_BYTES` in them.
    """
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_BODY_BYTES:
            message = f"more than {MAX_BODY_BYTES >> 20:,} MiB, unpacked, which 'paging' may divide"
            raise ResponseBodyError(message, "requests")
        yield piece


class ResponseBody:
    """The body of a response: read as often as needed, closed at the end."""

    def __init__(self, pieces: Iterable[bytes], content_type: str = "") -> None:
        """Keep the pieces in a nameless file that only this user can read (mode 0600).

        Raises:
            ResponseBodyError: If they are too many to be believed.
        """
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - see below
        # Closed by close(), or with this object where the pieces end in a failure.
        finalize(self, self._file.close)
        self._content_type = content_type
        for piece in _believed(pieces):
            self._file.write(piece)
        self._file.flush()

    def __enter__(self) -> Self:
        """Return the body itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    @property
    def content_type(self) -> str:
        """Its `Content-Type`."""
        return self._content_type

    def pieces(self) -> Iterator[bytes]:
        """Yield the body piece by piece, as it came."""
        self._file.seek(0)
        yield from iter(partial(self._file.read, PIECE_BYTES), b"")

    def _bytes(self) -> Iterator[bytes]:
        """Yield the content piece by piece, unpacked where it is a gzip file."""
        self._file.seek(0)
        packed = self._file.read(len(_GZIP)) == _GZIP
        self._file.seek(0)
        source: IO[bytes] = gzip.GzipFile(fileobj=self._file) if packed else self._file  # type: ignore[assignment]
        try:
            yield from _believed(iter(partial(source.read, PIECE_BYTES), b""))
        except (EOFError, OSError, zlib.error) as error:
            message = "a gzip file that breaks off or is damaged"
            raise ResponseBodyError(message) from error

    @cached_property
    def _codec(self) -> tuple[str, str]:
        """The charset, and what happens to bytes that are not of it."""
        first = next(self._bytes(), b"")
        detected = json.detect_encoding(first[:4])
        decoder = codecs.getincrementaldecoder(detected)()
        try:
            for piece in self._bytes():
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            declared = declared_charset(self._content_type)
            if declared in {None, "utf-8", "ascii"}:
                return detected, _STRAY
            return str(declared), _STRAY
        return detected, "strict"

    @property
    def charset_note(self) -> str | None:
        """How a body was read that is no UTF-8; None where it is."""
        charset, errors = self._codec
        if errors == "strict":
            return None
        read = "Windows-1252" if charset.startswith("utf-8") else charset
        return f"the answer is no UTF-8, which JSON has to be: read as {read}"

    def text(self, start: int = 0) -> Iterator[str]:
        """Yield the text piece by piece, without a byte order mark.

        Args:
            start: How many characters to leave out at the beginning.

        Raises:
            ResponseBodyError: If the body is a damaged gzip file.
        """
        charset, errors = self._codec
        decoder = codecs.getincrementaldecoder(charset)(errors)
        for piece in self._bytes():
            text = decoder.decode(piece)
            skipped = min(start, len(text))
            start -= skipped
            if len(text) > skipped:
                yield text[skipped:]
        if rest := decoder.decode(b"", final=True)[start:]:
            yield rest

    def head(self, characters: int) -> str:
        """Return the beginning of the text, at most so many characters."""
        head = ""
        for piece in self.text():
            head += piece
            if len(head) >= characters:
                break
        return head[:characters]
