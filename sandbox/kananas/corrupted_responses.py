"""Answers with status 200 that are not what they claim to be: what a PHP back end can do."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from sandbox import pages

if TYPE_CHECKING:
    from collections.abc import Callable

_JSON = "application/json"
_WARNING = (
    b'<br />\n<b>Warning</b>:  Undefined array key "lang" in '
    b"<b>/var/www/action_manager.php</b> on line <b>214</b><br />\n"
)


def _json(body: bytes) -> Response:
    return Response(body, media_type=_JSON)


def _error_object(_body: bytes) -> Response:
    return JSONResponse({"error": {"code": 12, "message": "Service momentanément indisponible"}})


def _wrong_charset(body: bytes) -> Response:
    """Return Latin-1 bytes (with HTML's substitutes for what it lacks) that claim to be UTF-8."""
    latin = body.decode().encode("latin-1", "xmlcharrefreplace")
    return Response(latin, headers={"Content-Type": f"{_JSON}; charset=utf-8"})


def _gzip(body: bytes) -> Response:
    packed = gzip.compress(body, compresslevel=1, mtime=0)
    return Response(packed, headers={"Content-Encoding": "gzip"}, media_type=_JSON)


LIES: dict[str, Callable[[bytes], Response]] = {
    "html": lambda _body: pages.login(),
    "error-object": _error_object,
    "empty-body": lambda _body: _json(b""),
    "truncated": lambda body: _json(body[: len(body) * 2 // 3]),
    "wrong-charset": _wrong_charset,
    "bom": lambda body: _json(b"\xef\xbb\xbf" + body),
    "php-warning": lambda body: Response(_WARNING + body, media_type="text/html"),
    "gzip": _gzip,
    "html-content-type": lambda body: Response(body, media_type="text/html"),
}
"""By the name that ``--kananas-lie`` takes: from the honest body to the answer."""
