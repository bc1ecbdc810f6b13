"""A JSON text read piece by piece, never more of it in memory than one value.

The standard library decodes a value that stands anywhere in a text, and says where it ends;
that is all a list of half a million records needs. What belongs to no single value, the
brackets and names of the envelope, is read here.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: A record takes at most this many characters: what Meltano passes on between tap and loader.
MAX_VALUE_CHARACTERS = 64 * 1024 * 1024

# The decoder may fail this close to the end of a piece only because the rest is in the next.
_TAIL_CHARACTERS = 16
_ESCAPE_CHARACTERS = len(r"\u0000")
_NUMBER_ENDS = (".", "e", "E", "e+", "e-", "E+", "E-")
_LITERALS = ("true", "false", "null", "NaN", "-Infinity", "Infinity")
_SPACE = re.compile(r"[ \t\n\r]*")
_NOT_ZERO = re.compile(r"[-0.]*[1-9]")

# So many characters hold at most 15 digits beside the point, and a double gives all of 15 back.
_EXACT_CHARACTERS = 16
# Smaller numbers have fewer digits in a double.
_TINY = 1e-307


def _integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        # Python limits how many digits an integer may have; the digits are kept as they are.
        return digits


def _number(text: str) -> float | str:
    number = float(text)
    # Beyond the largest double there is only infinity, which JSON cannot say; below the
    # smallest one, zero.
    if not math.isfinite(number) or not (number or not _NOT_ZERO.match(text)):
        return text
    is_short = len(text) <= _EXACT_CHARACTERS and not 0 < abs(number) < _TINY
    return number if is_short or not number or _is_double(text, number) else text


def _is_double(text: str, number: float) -> bool:
    """Return whether a text is how a double is written: shortest, with 17 digits, or with all."""
    short, long = repr(number), f"{number:.17g}"
    if text in {short, long}:
        return True
    return Decimal(text) in {Decimal(short), Decimal(long), Decimal(number)}


# Control characters within strings are no JSON, but they are sent, and harmless. NaN and
# Infinity keep their names, and numbers that no double holds their digits, as text.
_DECODE = json.JSONDecoder(strict=False, parse_constant=str, parse_float=_number).raw_decode
_DECODE_LONG_INTEGERS = json.JSONDecoder(
    strict=False, parse_constant=str, parse_float=_number, parse_int=_integer
).raw_decode


class JsonStreamError(ValueError):
    """A text that is no JSON.

    Attributes:
        problem: What is wrong.
        position: Where in the text, in characters from its beginning.
        truncated: Whether the text merely ends too early.
    """

    def __init__(self, problem: str, position: int, *, truncated: bool = False) -> None:
        """Keep what is wrong, and where."""
        super().__init__(f"{problem} at character {position:,}")
        self.problem = problem
        self.position = position
        self.truncated = truncated

    def moved(self, characters: int) -> JsonStreamError:
        """Return the same for a text that begins so many characters earlier."""
        position = self.position + characters
        return JsonStreamError(self.problem, position, truncated=self.truncated)


def _ends_early(error: json.JSONDecodeError, rest: str) -> bool:
    """Return whether the text from the error on is the beginning of something that would do."""
    if error.msg.startswith("Unterminated string") or not rest:
        return True
    if "escape" in error.msg:
        return len(rest) < _ESCAPE_CHARACTERS and '"' not in rest
    return rest in _NUMBER_ENDS or any(literal.startswith(rest) for literal in _LITERALS)


class JsonStream:
    """Reads a JSON text from the front, a value or a bracket at a time."""

    def __init__(self, pieces: Iterable[str]) -> None:
        """Read the text that the pieces make."""
        self._pieces = iter(pieces)
        self._buffer = ""
        self._at = 0
        self._passed = 0

    @property
    def position(self) -> int:
        """How many characters have been read."""
        return self._passed + self._at

    def _more(self) -> bool:
        """Get more text: as much again as is there, so that a long value stays linear."""
        wanted = max(1, len(self._buffer) - self._at)
        pieces, size = [], 0
        for piece in self._pieces:
            pieces.append(piece)
            size += len(piece)
            if size >= wanted:
                break
        if not size:
            return False
        self._passed += self._at
        self._buffer, self._at = self._buffer[self._at :] + "".join(pieces), 0
        return True

    def _fail(self, problem: str) -> NoReturn:
        raise JsonStreamError(problem, self.position)

    def _truncated(self) -> NoReturn:
        problem = "the text ends"
        raise JsonStreamError(problem, self.position, truncated=True)

    def peek(self) -> str:
        """Return the next character that is no white space, unread; empty at the end."""
        while True:
            space = _SPACE.match(self._buffer, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def rest(self, characters: int) -> str:
        """Return the next characters, at most so many, unread."""
        while len(self._buffer) - self._at < characters and self._more():
            pass
        return self._buffer[self._at : self._at + characters]

    def take(self, expected: str) -> str:
        """Read one character.

        Raises:
            JsonStreamError: If another one stands there.
        """
        found = self.peek()
        if not found:
            self._truncated()
        if found not in expected:
            if self.rest(3) in _NUMBER_ENDS:
                self._truncated()
            self._fail(f"'{found}' where one of '{expected}' was due")
        self._at += 1
        return found

    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """Read a whole value.

        Raises:
            JsonStreamError: If there is none, or a longer one than `MAX_VALUE_CHARACTERS`.
        """
        self.peek()
        decode = _DECODE
        while True:
            try:
                value, end = decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._may_go_on(error) and self._more():
                    continue
                self._refuse(error)
            except RecursionError:
                self._fail("values nested too deeply")
            except ValueError:
                decode = _DECODE_LONG_INTEGERS
                continue
            # A number may go on in the next piece.
            number = self._buffer[self._at] not in '"{['
            if number and len(self._buffer) - end < _TAIL_CHARACTERS and self._more():
                continue
            self._at = end
            return value

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        if len(self._buffer) - self._at > MAX_VALUE_CHARACTERS:
            self._fail(f"a value of more than {MAX_VALUE_CHARACTERS:,} characters")
        unterminated = error.msg.startswith("Unterminated string")
        return unterminated or error.pos >= len(self._buffer) - _TAIL_CHARACTERS

    def _refuse(self, error: json.JSONDecodeError) -> NoReturn:
        ended = _ends_early(error, self._buffer[error.pos :])
        position = self._passed + (len(self._buffer) if ended else error.pos)
        problem = "the text ends" if ended else error.msg
        raise JsonStreamError(problem, position, truncated=ended)

    def items(self) -> Iterator[Any]:
        """Read an array, and yield its items."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield self.value()
            if self.take(",]") == "]":
                return

    def members(self) -> Iterator[str]:
        """Read an object, and yield its names; the caller reads the value after each."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            if self.peek() not in {'"', ""}:
                self._fail("no name")
            name: str = self.value()
            self.take(":")
            yield name
            if self.take(",}") == "}":
                return

    def skip(self) -> None:
        """Read a value of any length, and forget it."""
        opening = self.peek()
        if opening == "[":
            for _ in self.items():
                pass
        elif opening == "{":
            for _ in self.members():
                self.skip()
        else:
            self.value()
