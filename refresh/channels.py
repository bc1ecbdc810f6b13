"""How people are told: a web hook, an e-mail, a command; and a sign of life for each run."""

from __future__ import annotations

import base64
import http.client
import json
import shlex
import smtplib
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from refresh.settings import Mail, Settings

SECONDS = 15.0
TRIES = 3
_FIRST_PAUSE = 1.0
#: What to do where there is no mail server, or it speaks otherwise.
_SERVER_ADVICE = "check REFRESH_SMTP_HOST, REFRESH_SMTP_PORT and REFRESH_SMTP_SECURITY"
_MAIL_ADVICE: dict[type[smtplib.SMTPResponseException], str] = {
    smtplib.SMTPAuthenticationError: ": check REFRESH_SMTP_USER and REFRESH_SMTP_PASSWORD",
    smtplib.SMTPSenderRefused: (
        " to the sender: check REFRESH_MAIL_FROM, the first of REFRESH_MAIL_TO where it is not set"
    ),
}
#: Answers that are the same with each try, unlike those of a service that is too busy or broken.
_ELSEWHERE, _REFUSED = range(300, 400), {*range(400, 500)} - {408, 425, 429}


class ChannelError(Exception):
    """Nobody could be told; the message says why, without a secret."""


def tell(channel: str, settings: Settings, message: dict[str, Any]) -> str:
    """Tell by one channel, a bounded number of times until it is heard.

    Args:
        channel: Its name.
        settings: Where it leads.
        message: What is told; `text` and `subject` are for people.

    Returns:
        Whom it did not reach, though others heard it; empty where all did.

    Raises:
        ChannelError: It was not heard.
    """
    if channel == "webhook":
        body = json.dumps(_form(settings.webhook_form, message)).encode()
        return _tried(lambda: _request(settings.webhook_url, body, "REFRESH_WEBHOOK_URL"))
    if channel == "email":
        mail = settings.mail
        assert mail is not None  # noqa: S101 - a channel is named only where it is set
        letter = _letter(mail, message)
        return _tried(lambda: _send(mail, letter), f": {_SERVER_ADVICE}")
    return _tried(lambda: _start(settings.command, message))


def ping(url: str, ending: str = "") -> None:
    """Give a sign of life: `/start`, nothing for success, or `/fail`.

    Raises:
        ChannelError: It was not heard.
    """
    address, mark, query = url.partition("?")
    whole = f"{address.rstrip('/')}{ending}{mark}{query}"
    _tried(lambda: _request(whole, None, "REFRESH_PING_URL"))


def _tried(act: Callable[[], str], advice: str = "") -> str:
    for number in range(1, TRIES):
        with suppress(ChannelError):
            return _in_time(act, advice)
        time.sleep(_FIRST_PAUSE * number)
    return _in_time(act, advice)


def _in_time(act: Callable[[], str], advice: str) -> str:
    """Do it within `SECONDS` in all: a server that sends byte by byte renews its timeout."""
    done: list[str] = []
    failed: list[BaseException] = []

    def try_once() -> None:
        try:
            done.append(act())
        except BaseException as error:  # noqa: BLE001 - it is raised below
            failed.append(error)

    thread = threading.Thread(target=try_once, daemon=True)
    thread.start()
    # Those of a connection and of a command end first, and say more.
    thread.join(SECONDS * 1.2)
    if failed:
        raise failed[0]
    if not done:
        message = f"no whole answer within {SECONDS:g} s{advice}"
        raise ChannelError(message)
    return done[0]


def _form(form: str, message: dict[str, Any]) -> dict[str, Any]:
    """Return the message as a service takes it."""
    text = f"{message['subject']}\n{message['text']}"
    if form == "slack":
        # What stands between these signs would be a link or a call to everybody.
        for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(sign, escaped)
        return {"text": text}
    if form == "teams":
        blocks = [{"type": "TextBlock", "text": line, "wrap": True} for line in text.split("\n")]
        card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
        kind = "application/vnd.microsoft.card.adaptive"
        return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
    return message


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirection of a message: it would arrive as a GET, without its text."""

    def redirect_request(  # noqa: PLR0913, PLR0917 - of the class
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return what is asked instead; None makes the answer an error."""
        if req.get_method() != "GET":
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _request(url: str, body: bytes | None, setting: str) -> str:
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(  # noqa: S310 - settings allow http and https only
        urlunsplit(parts._replace(netloc=host)),
        data=body,
        headers={"Content-Type": "application/json"} if body else {},
    )
    if user:
        pair = base64.b64encode(unquote(user).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {pair}")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=SECONDS) as response:
            response.read(1)
    except urllib.error.HTTPError as error:
        error.close()
        message = f"the address answered {error.code}{_advice(error.code, setting)}"
        raise ChannelError(message) from None
    except urllib.error.URLError as error:
        message = f"no connection: {_reason(error.reason)}"
        raise ChannelError(message) from None
    except (OSError, ValueError) as error:
        message = f"no connection: {_reason(error)}"
        raise ChannelError(message) from None
    except http.client.HTTPException as error:
        message = f"no answer in HTTP ({type(error).__name__}): check {setting}"
        raise ChannelError(message) from None
    return ""


def _advice(code: int, setting: str) -> str:
    """Return what to do about an answer; nothing where the service may be at fault."""
    if code in _ELSEWHERE:
        return f", which leads elsewhere: {setting} must be the address it leads to"
    return f": check {setting}" if code in _REFUSED else ""


def _reason(error: object) -> str:
    """Return what went wrong, without the address, which may hold a secret."""
    if isinstance(error, TimeoutError):
        return f"no answer within {SECONDS:g} s"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _letter(mail: Mail, message: dict[str, Any]) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"], letter["From"] = message["subject"], mail.sender
    letter["To"] = ", ".join(mail.to)
    letter["Date"], letter["Message-ID"] = formatdate(localtime=False), make_msgid("refresh")
    letter.set_content(f"{message['text']}\n")
    return letter


def _send(mail: Mail, letter: EmailMessage) -> str:
    context = ssl.create_default_context()
    try:
        if mail.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                mail.host, mail.port, timeout=SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=SECONDS)
        with server:
            if mail.security == "starttls":
                server.starttls(context=context)
            if mail.user:
                server.login(mail.user, mail.password)
            refused = server.send_message(letter)
    except smtplib.SMTPResponseException as error:
        message = f"the mail server answered {error.smtp_code}{_MAIL_ADVICE.get(type(error), '')}"
        raise ChannelError(message) from None
    except smtplib.SMTPNotSupportedError:
        message = (
            "the mail server offers no STARTTLS, no login, or takes no such address: "
            "check REFRESH_SMTP_SECURITY and REFRESH_SMTP_USER"
        )
        raise ChannelError(message) from None
    except smtplib.SMTPRecipientsRefused:
        message = "the mail server takes mail for nobody of REFRESH_MAIL_TO"
        raise ChannelError(message) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        message = f"the mail server took no mail: {_reason(error)}: {_SERVER_ADVICE}"
        raise ChannelError(message) from None
    if not refused:
        return ""
    return f"the mail server refused {len(refused)} of the addresses: check REFRESH_MAIL_TO"


def _start(command: str, message: dict[str, Any]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, without a shell
            shlex.split(command),
            input=json.dumps(message).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        problem = f"the command of REFRESH_COMMAND did not end within {SECONDS:g} s"
        raise ChannelError(problem) from None
    except (OSError, ValueError) as error:
        problem = f"the command did not run: {_reason(error)}"
        raise ChannelError(problem) from None
    if done.returncode:
        problem = f"the command ended with exit code {done.returncode}"
        raise ChannelError(problem)
    return ""
