"""Who may use the page: sessions, the one-time address, a password or a proxy, and what is refused.

What is held against whom:

* another site that names this one (DNS rebinding): only known names of the host are answered;
* another site that sends a form here: the origin is looked at, and each form has a token;
* what a record says: no script or style in the page itself is run (CSP);
* somebody who reads the address later: it works once.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from console.review.lists import Filter

COOKIE = "review"
LANGUAGE_COOKIE = "review-language"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src"
        " 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer."""

MAX_BODY = 1 << 20
_MOST_DRAINED = 16 * MAX_BODY
_MOST_FAILURES = 10
_FAILURE_SECONDS = 60.0
_MOST_SESSIONS = 1000


@dataclass
class Session:
    """Somebody who looks at the page."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    author: str = ""
    language: str | None = None
    order: str = "worth"
    #: Whether letters decide. Who speaks to the machine may say one by chance.
    has_keys: bool = True
    used: float = 0.0
    #: The contact or pair that each tab shows, where it is not the next one.
    current: dict[str, str] = field(default_factory=dict)
    #: What the list of each tab shows, and from which row; and what alone is asked of a tab.
    lists: dict[str, Filter] = field(default_factory=dict)
    first_row: dict[str, int] = field(default_factory=dict)
    narrowed: dict[str, Filter] = field(default_factory=dict)
    #: A note that was written and belongs to no decision yet, by what it is about.
    notes: dict[str, str] = field(default_factory=dict)
    #: What the next page says first: whether it is good news, and the text.
    message: tuple[bool, str] | None = None


class Sessions:
    """All sessions of this process. They end when nobody has used them for some time."""

    def __init__(
        self, idle_seconds: float, author: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take how long a session may be idle, and who decides unless somebody says so."""
        self._idle = idle_seconds
        self._author = author
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._tokens: set[str] = set()
        self._failures: deque[float] = deque(maxlen=_MOST_FAILURES)

    def one_time_token(self) -> str:
        """Return a token that opens one session."""
        token = secrets.token_urlsafe(32)
        self._tokens.add(token)
        return token

    def exchange(self, token: str) -> Session | None:
        """Open a session for a token, which is worth nothing afterwards."""
        for known in self._tokens:
            if hmac.compare_digest(known.encode(), token.encode()):
                self._tokens.discard(known)
                return self.open()
        return None

    def open(self, author: str | None = None) -> Session:
        """Open a session."""
        self._end_idle()
        session = Session(author=author or self._author, used=self._clock())
        self._sessions[session.id] = session
        if len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[min(self._sessions.values(), key=lambda each: each.used).id]
        return session

    def find(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie; it counts as used now."""
        self._end_idle()
        session = self._sessions.get(cookie or "")
        if session is not None:
            session.used = self._clock()
        return session

    def close(self, session: Session) -> None:
        """End a session."""
        self._sessions.pop(session.id, None)

    def _end_idle(self) -> None:
        since = self._clock() - self._idle
        for session in list(self._sessions.values()):
            if session.used < since:
                del self._sessions[session.id]

    def may_try(self) -> bool:
        """Return whether a password may be tried: not after too many wrong ones."""
        oldest = self._failures[0] if len(self._failures) == _MOST_FAILURES else None
        return oldest is None or self._clock() - oldest > _FAILURE_SECONDS

    def failed(self) -> None:
        """Note a wrong password."""
        self._failures.append(self._clock())


def is_password(given: str, password: str) -> bool:
    """Return whether a password is right, in a time that does not tell how nearly."""
    return hmac.compare_digest(given.encode(), password.encode())


def has_csrf(session: Session, given: str) -> bool:
    """Return whether a form came from a page of this session."""
    return hmac.compare_digest(session.csrf.encode(), given.encode())


def is_same_origin(request: Request) -> bool:
    """Return whether a request came from a page of this host, as far as the browser says."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    return origin.partition("://")[2] == request.headers.get("host", "")


class Gate:
    """Refuses hosts that are not known and bodies that are too large; adds the headers."""

    def __init__(
        self, app: ASGIApp, hosts: Collection[str], refusal: Callable[[Request, int], Response]
    ) -> None:
        """Take the names by which this host may be called, and the page of each refusal."""
        self._app = app
        self._hosts = {host.lower() for host in hosts}
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
                ]
            await send(message)

        host = headers.get(b"host", b"").decode("latin-1").lower()
        if without_port(host) not in self._hosts:
            await self._refuse(421, scope, receive, send_with_headers)
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MAX_BODY or b"transfer-encoding" in headers:
            await _drain(receive)
            await self._refuse(413, scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    async def _refuse(self, status: int, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._refusal(Request(scope), status)
        response.headers["connection"] = "close"
        await response(scope, receive, send)


def without_port(host: str) -> str:
    """Return the name in a Host header."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


async def _drain(receive: Receive) -> None:
    """Read some of a body: who still sends when the connection is closed sees no answer."""
    size = 0
    while size < _MOST_DRAINED:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        size += len(message.get("body", b""))
