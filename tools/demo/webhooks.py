"""From a webhook to the joined data, unattended: `make demo-webhooks`."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import urlopen

from kananas_webhooks.addresses import Secrets
from tools.demo import command, report
from tools.demo.processes import DemoError, receiver, refresh, sandbox, tail
from tools.demo.settings import OUTPUT, PUBLISHED, ROOT, environment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

#: What is run after events: they say that Kananas has changed, so only Kananas is read.
RUN = "refresh --sources=kananas"

#: What the whole way may take; a machine that has other work to do takes longer.
SECONDS_PROMISED = 60.0

_SECONDS_AT_MOST = 300.0
_SECONDS_BETWEEN_LOOKS = 0.2

# A company whose name and domain no other has: whoever names both is to be linked to it.
_COMPANY = """\
select min(company_name), min(split_part(email, '@', 2))
from marts.companies
where email like '%@%.%'
group by lower(company_name)
having count(*) = 1
order by 1
limit 1"""

_CONTACT = """\
select contact_id, first_name, last_name, organisation, company_name, link_status
from marts.contacts
where last_name = '{name}'"""

_EVENT = """\
select event_sequence, received_at, content_type, payload_type, payload_id
from staging.stg_kananas__webhook_events
order by event_sequence desc
limit 1"""


def run(given: argparse.Namespace) -> int:
    """Load everything, let somebody register, and wait until they are in the joined data."""
    folder = OUTPUT / "webhooks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port = _free_port()
    address = f"http://127.0.0.1:{port}/hooks/{Secrets(folder / 'secrets').newest()}"
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as logs,
        sandbox(
            ROOT, Path(logs, "sandbox.log"), "--scale", str(given.scale),
            SANDBOX_KANANAS_WEBHOOK=address,
        ) as facts,
    ):  # fmt: skip
        settings = {**environment(facts), "MELTANO_ENVIRONMENT": "demo"}
        print("Loading both services once …", flush=True)
        for _ in refresh(ROOT, OUTPUT / "refresh-first.log", settings):
            pass
        log = OUTPUT / "webhooks.log"
        arguments = ("--folder", str(folder), "--port", str(port), "--run", RUN)
        with receiver(ROOT, log, settings, *arguments):
            print(f"The receiver listens, and runs `{RUN}` after events. Its log: {log}")
            name = f"Webhook{port}"
            started = monotonic()
            answer = _register(facts["registration_url"], name)
            print(f"Contact {answer['id']} has registered; the webhook was answered 202.")
            _wait(lambda: bool(_rows(_CONTACT.format(name=name))), log)
            seconds = monotonic() - started
    return _show(name, seconds)


def _show(name: str, seconds: float) -> int:
    contact = _CONTACT.format(name=name)
    print("\nThe event, as staged:")
    print(report.table(*report.select(PUBLISHED, _EVENT)))
    print("\nThe contact, with its company:")
    print(report.table(*report.select(PUBLISHED, contact)))
    if not _rows(f"{contact} and company_name is not null"):
        print("\nThe contact has no company.", file=sys.stderr)
        return 1
    print(f"\nFrom the event to the joined data: {seconds:.1f} s")
    if seconds > SECONDS_PROMISED:
        print(f"That is more than {SECONDS_PROMISED:.0f} s.", file=sys.stderr)
        return 1
    return 0


def _register(address: str, name: str) -> dict[str, Any]:
    """Register a contact that names a company of the CRM."""
    company, domain = _rows(_COMPANY)[0]
    fields = {
        "first_name": "Zoé",
        "last_name": name,
        "organisation": company,
        "email": f"zoe@{domain}",
    }
    with urlopen(address, urlencode(fields).encode()) as response:  # noqa: S310 - the sandbox's
        answer: dict[str, Any] = json.loads(response.read())
    if answer["webhook"] != 202:  # noqa: PLR2004 - accepted
        message = f"the webhook was answered {answer['webhook']}"
        raise DemoError(message)
    return answer


def _rows(query: str) -> list[tuple[Any, ...]]:
    return report.select(PUBLISHED, query)[1]


def _wait(condition: Callable[[], bool], log: Path) -> None:
    pause, end = Event(), monotonic() + _SECONDS_AT_MOST
    while not condition():
        if monotonic() > end:
            raise DemoError(tail(log, "the contact did not arrive"))
        pause.wait(_SECONDS_BETWEEN_LOOKS)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(command.main(run, command.parser("tools.demo.webhooks", __doc__).parse_args()))
