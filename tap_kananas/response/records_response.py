"""What a response with status 200 really is: records, or one of the ways not to send any.

A PHP service says with status 200 that a key is wrong (its login page), that something failed
(a JSON error object, an empty body, JSON that breaks off), or puts its warnings before the
JSON. Each is told apart here, so that a failure is never taken for an empty account.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rest_tap.responses import TOO_DEEP, describe_body, is_html
from tap_kananas.response.json_stream import JsonStream, JsonStreamError
from tap_kananas.response.records_path import (
    RecordsPath,
    RecordsPathError,
    find_candidates,
    read_records,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_kananas.response.body import ResponseBody

#: How far into a response its JSON may begin.
MAX_WARNINGS_CHARACTERS = 64 * 1024

#: How long a text may be to be shown as what the service says.
MAX_MESSAGE_CHARACTERS = 200

_MAX_STARTS = 200
_START = re.compile(r"[{\[]")
# What PHP prints where its errors are displayed.
_PHP = re.compile(r"\b(warning|notice|deprecated|strict standards)\b", re.IGNORECASE)
_PHP_DIED = re.compile(r"\b(fatal|parse) error\b", re.IGNORECASE)


class ResponseError(ValueError):
    """A response without records.

    Attributes:
        settings: The settings that may be the cause.
    """

    def __init__(self, words: str, *settings: str) -> None:
        """Keep what came instead, and the settings that may be the cause."""
        super().__init__(words)
        self.settings = settings


class NoRecordsError(ResponseError):
    """JSON that holds no list of records: an error, or nothing that could be one."""


class RecordsResponse:
    """The records of a response, and what was odd about it.

    Attributes:
        path: Where the records are. Its size is -1 where nobody counted them.
        notes: What a user should know, one sentence each.
        beside: What stands beside the records that were read, and may be about pages.
    """

    def __init__(
        self, body: ResponseBody, request: str, records_path: str | None, key_column: str
    ) -> None:
        """Find the records.

        Args:
            body: The body of the response, which stays open.
            request: What was asked for.
            records_path: Where the records are, keys joined by dots, `$` for the top; None to
                find out.
            key_column: The column that takes the key of an object keyed by id.

        Raises:
            ResponseError: If there are none; the message says what came instead.
            ResponseBodyError: If the body cannot be unpacked.
        """
        self._body = body
        self._key_column = key_column
        self.notes: list[str] = []
        self.beside: dict[str, Any] = {}
        if body.charset_note:
            self.notes.append(body.charset_note)
        head = body.head(MAX_WARNINGS_CHARACTERS)
        _refuse_what_is_no_json(head)
        if records_path is None:
            self.path, self._start = self._find(head, request)
        else:
            path = () if records_path == "$" else tuple(records_path.split("."))
            self.path, self._start = RecordsPath(path, keyed=False, size=-1), self._first(head)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records.

        Raises:
            ResponseError: If there are none at the path the setting names, or the text is no JSON.
        """
        text = JsonStream(self._body.text(self._start))
        try:
            yield from read_records(text, self.path.names, self._key_column, self.beside)
            _finish(text)
        except RecordsPathError as error:
            raise NoRecordsError(str(error), "records_path") from error
        except JsonStreamError as error:
            raise _no_json(error, self._body.head(MAX_WARNINGS_CHARACTERS)) from error

    def _starts(self, head: str) -> Iterator[int]:
        """Yield where the JSON may begin: at the front, or after what PHP warns of."""
        front = len(head) - len(head.lstrip())
        if head[front] in "{[" or not _PHP.search(head):
            yield front
        for number, match in enumerate(_START.finditer(head)):
            if number == _MAX_STARTS:
                return
            if match.start() > front and _PHP.search(head, 0, match.start()):
                yield match.start()

    def _find(self, head: str, request: str) -> tuple[RecordsPath, int]:
        """Look for records from each path where the JSON may begin.

        What breaks off is not looked into: the inside of a half response may look whole.
        """
        farthest: JsonStreamError | None = None
        for start in self._starts(head):
            text = JsonStream(self._body.text(start))
            try:
                found = find_candidates(text)
                followed = _finish(text)
            except RecursionError as error:
                raise ResponseError(TOO_DEEP, "api_url") from error
            except JsonStreamError as error:
                if farthest is None or error.position + start > farthest.position:
                    farthest = error.moved(start)
                if error.truncated:
                    break
                continue
            self._note(head, start, followed=followed)
            if found.error_response.message:
                message = f"an error: {found.error_response.message}"
                raise NoRecordsError(message, "secret_key")
            try:
                return found.choose(request), start
            except RecordsPathError as error:
                said = (
                    f" (it says: {found.error_response.remarks})"
                    if found.error_response.remarks
                    else ""
                )
                message = f"JSON, but {error}{said}"
                kind = ResponseError if found.paths else NoRecordsError
                raise kind(message, "records_path") from error
        raise _no_json(farthest, head)

    def _first(self, head: str) -> int:
        """Return the first place from which the JSON can be read to its end."""
        if not _PHP.search(head):
            return len(head) - len(head.lstrip())
        farthest: JsonStreamError | None = None
        for start in self._starts(head):
            text = JsonStream(self._body.text(start))
            try:
                text.skip()
                followed = _finish(text)
            except RecursionError as error:
                raise ResponseError(TOO_DEEP, "api_url") from error
            except JsonStreamError as error:
                farthest = farthest or error.moved(start)
                if error.truncated:
                    break
                continue
            self._note(head, start, followed=followed)
            return start
        raise _no_json(farthest, head)

    def _note(self, head: str, start: int, *, followed: bool) -> None:
        before = len(head[:start].strip())
        if before:
            self.notes.append(f"{before:,} characters of PHP warnings before the JSON left out")
        if followed:
            self.notes.append("text after the JSON left out")


def _finish(text: JsonStream) -> bool:
    """See that nothing follows the JSON but what PHP or a template may add in markup.

    Returns:
        Whether such a thing follows.
    """
    after = text.peek()
    if after in {"", "<"}:
        return bool(after)
    message = "more text after the JSON"
    raise JsonStreamError(message, text.position)


def _refuse_what_is_no_json(head: str) -> None:
    """Refuse an empty body and a web page, before anything in them is taken for JSON."""
    if not head.strip():
        message = (
            "an empty body, where JSON was due: the service refused the key, or failed without "
            "a word; try again later"
        )
        raise ResponseError(message, "secret_key")
    if is_html(head):
        message = (
            f"{describe_body(head)}, where JSON was due: a page like the login page comes when "
            "the key is not accepted or the address is not the API's"
        )
        raise ResponseError(message, "secret_key", "api_url")


def _no_json(error: JsonStreamError | None, head: str) -> ResponseError:
    """Return what stands there instead of JSON, without showing what may be somebody's data."""
    start = head.lstrip()
    if _PHP_DIED.search(head[:MAX_WARNINGS_CHARACTERS]) and start[0] not in "{[":
        return ResponseError("a PHP error, where JSON was due: the service failed; try again later")
    if start[0] == "<":
        return ResponseError(
            "a page in markup, where JSON was due: the key is not accepted, or the address is "
            "not the API's",
            "secret_key",
            "api_url",
        )
    if error is not None and error.truncated and _START.search(head):
        return ResponseError(
            f"JSON that breaks off after {error.position:,} characters: the service ran out of "
            "time or memory, or the connection was cut; try again, or read in pages",
            "requests",
        )
    if start[0] in "{[" and error is not None:
        return ResponseError(f"broken JSON: {error}", "api_url")
    # A short text is a message; a long one, or one with JSON in it, may be somebody's data.
    is_message = len(start) <= MAX_MESSAGE_CHARACTERS and not _START.search(start)
    said = f": {describe_body(start)}" if is_message else ""
    return ResponseError(f"text that is no JSON{said}", "secret_key", "api_url")
