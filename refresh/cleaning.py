"""An error line as it may leave this machine: no secret, and nothing that a record says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 300
LEFT_OUT = "…"
#: Of a longer line nothing more is looked at: it says what it says at its beginning.
_LOOKED_AT = 2_000

_SECRET_NAME = re.compile(
    r"SECRET|TOKEN|PASSWORD|API_KEY|_USER(_ID)?$|BUSINESS_ID|(WEBHOOK|PING)_URL|"
    r"^(AWS|AZURE|GOOGLE)_.*(KEY|SAS)"
)
_SHORTEST_SECRET = 4

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+|\x1b\[[0-9;]*m")
#: What a service says between its status and our advice: it may repeat a record or a key.
_WORDS_OF_SERVICE = re.compile(r"(\banswered \d{3}): .*?(?=: (?:check|see) |$)")
# A search begins at the start of a word alone: at each letter of a long one, it would take hours.
_URL = re.compile(
    r"\b([a-z][a-z0-9+.-]{0,30}://)(?:[^\s/@]*@)?([^\s/?#'\")]*)[^\s'\")]*", re.IGNORECASE
)
_EMAIL = re.compile(r"(?<![^\s@'\"<>(])[^\s@'\"<>(]+@[^\s@'\">),;]+")
_GIVES_ACCESS = (
    r"(?<![\w-])"
    r"(?=[\w-]*(?:key|token|secret|password|passwd|authorization|bearer|signature))[\w-]+"
)
_ASSIGNED = re.compile(
    rf"({_GIVES_ACCESS}(?:\s*[=:]\s*|\s+))(?:(?:bearer|basic)\s+)?(?=\S*[\d=:])[^\s,;'\")]+",
    re.IGNORECASE,
)
_ASSIGNED_ANYHOW = re.compile(rf"({_GIVES_ACCESS}\s*=\s*)[^\s,;'\")]+", re.IGNORECASE)
#: Quoted texts are values, unless the word before says that they are names of ours. So is what
#: follows a quote that has no end.
_QUOTED = re.compile(
    r"(?P<before>\b(?:settings?|propert(?:y|ies)|columns?|streams?|tables?|models?|tests?|option"
    r"|and setting|or setting|file) )?"
    r"(?<!\w)(?P<quote>['\"«“`\u2018])(?:(?P<text>.*?)(?P<end>['\"»”`\u2019])(?!\w)|.*)"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.*-]{0,62}")
#: What our own lines advise to run.
_COMMAND = re.compile(r"(?:dbt|make|meltano|refresh)(?: (?:--)?[a-z][a-z0-9:_-]{0,30}){1,3}")
_TOKEN = re.compile(r"(?<![\w/.-])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{16,}(?![\w/.])")
_PHONE = re.compile(r"(?<![\w.:])\+?\d(?:[ ()-]{0,2}\d){6,}(?!\w)")


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """Return the values of variables that give access, the longest first.

    Also as they stand in an address, and in JSON.
    """
    found = {
        form
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET
        for form in (value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1])
    }
    return sorted(found, key=len, reverse=True)


def cleaned(line: str, secrets: Iterable[str] = ()) -> str:
    """Return an error line as it may be told to others.

    Args:
        line: The line, as a program wrote it.
        secrets: Values that must not be told, wherever they stand.
    """
    for secret in secrets:
        line = line.replace(secret, LEFT_OUT)
    line = _CONTROL.sub(" ", line)
    is_long = len(line) > _LOOKED_AT
    if is_long:
        # Half a value would not be known for what it is.
        line = line[:_LOOKED_AT].rpartition(" ")[0]
    line = _WORDS_OF_SERVICE.sub(r"\1", line)
    line = _URL.sub(rf"\1\2/{LEFT_OUT}", line)
    line = _EMAIL.sub(LEFT_OUT, line)
    line = _ASSIGNED_ANYHOW.sub(rf"\1{LEFT_OUT}", line)
    line = _ASSIGNED.sub(rf"\1{LEFT_OUT}", line)
    line = _QUOTED.sub(_quoted, line)
    line = _TOKEN.sub(LEFT_OUT, line)
    line = _PHONE.sub(LEFT_OUT, line)
    line = " ".join([*line.split(), *([LEFT_OUT] if is_long else [])])
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + LEFT_OUT


def _quoted(found: re.Match[str]) -> str:
    before, text = found["before"] or "", found["text"]
    if text is None:
        return f"{before}{LEFT_OUT}"
    is_command = found["quote"] == "`" and _COMMAND.fullmatch(text)
    is_name = before and _NAME.fullmatch(text)
    kept = text if is_command or is_name else LEFT_OUT
    return f"{before}{found['quote']}{kept}{found['end']}"
