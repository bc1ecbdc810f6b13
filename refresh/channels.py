"""How people are told: a web hook, an e-mail, a command; and a sign of life for each run."""

from __future__ import annotations

import json
import shlex
import smtplib
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from refresh.settings import Mail, Settings

SECONDS = 15.0
TRIES = 3
_FIRST_PAUSE = 1.0


class ChannelError(Exception):
    """Nobody could be told; the message says why, without a secret."""


def tell(channel: str, settings: Settings, message: dict[str, Any]) -> None:
    """Tell by one channel, a bounded number of times until it is heard.

    Args:
        channel: Its name.
        settings: Where it leads.
        message: What is told; `text` and `subject` are for people.

    Raises:
        ChannelError: It was not heard.
    """
    if channel == "webhook":
        body = json.dumps(_form(settings.webhook_form, message)).encode()
        _tried(lambda: _request(settings.webhook_url, body))
    elif channel == "email":
        mail = settings.mail
        assert mail is not None  # noqa: S101 - a channel is named only where it is set
        letter = _letter(mail, message)
        _tried(lambda: _send(mail, letter))
    else:
        _tried(lambda: _start(settings.command, message))


def ping(url: str, ending: str = "") -> None:
    """Give a sign of life: `/start`, nothing for success, or `/fail`.

    Raises:
        ChannelError: It was not heard.
    """
    address, mark, query = url.partition("?")
    _tried(lambda: _request(f"{address.rstrip('/')}{ending}{mark}{query}", None))


def _tried(act: Callable[[], None]) -> None:
    for number in range(1, TRIES):
        with suppress(ChannelError):
            return act()
        time.sleep(_FIRST_PAUSE * number)
    return act()


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


def _request(url: str, body: bytes | None) -> None:
    request = urllib.request.Request(  # noqa: S310 - settings allow http and https only
        url, data=body, headers={"Content-Type": "application/json"} if body else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
            response.read(1)
    except urllib.error.HTTPError as error:
        error.close()
        message = f"the address answered {error.code}"
        raise ChannelError(message) from None
    except urllib.error.URLError as error:
        message = f"no connection: {_reason(error.reason)}"
        raise ChannelError(message) from None
    except (OSError, ValueError) as error:
        message = f"no connection: {_reason(error)}"
        raise ChannelError(message) from None


def _reason(error: object) -> str:
    """Return what went wrong, without the address, which may hold a secret."""
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _letter(mail: Mail, message: dict[str, Any]) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"], letter["From"] = message["subject"], mail.sender
    letter["To"] = ", ".join(mail.to)
    letter["Date"], letter["Message-ID"] = formatdate(localtime=False), make_msgid("refresh")
    letter.set_content(f"{message['text']}\n")
    return letter


def _send(mail: Mail, letter: EmailMessage) -> None:
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
            server.send_message(letter)
    except smtplib.SMTPResponseException as error:
        message = f"the mail server answered {error.smtp_code}"
        raise ChannelError(message) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        message = f"the mail server took no mail: {_reason(error)}"
        raise ChannelError(message) from None


def _start(command: str, message: dict[str, Any]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, without a shell
            shlex.split(command),
            input=json.dumps(message).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        problem = f"the command did not run: {_reason(error)}"
        raise ChannelError(problem) from None
    if done.returncode:
        problem = f"the command ended with exit code {done.returncode}"
        raise ChannelError(problem)
