"""The command ``sandbox``."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sandbox.credentials import Credentials
from sandbox.envelopes import ENVELOPES
from sandbox.faults import read_faults
from sandbox.files import written
from sandbox.generate.crm.model import BY_NAME
from sandbox.lies import LIES
from sandbox.options import (
    KANANAS_PAGINGS,
    KIZEN_ACCOUNTS,
    KIZEN_COUNTS,
    KIZEN_REFUSALS,
    Options,
    counts_at,
)
from sandbox.server import PortInUseError, Sandbox, opened
from sandbox.shares import Shares, share_options
from sandbox.webhooks import FORMS, VARIED

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, WRONG_USAGE = 0, 2
DEFAULT_PORT = 8765
_WARMED = ("contacts", "companies")
_CREDENTIALS = ("kananas-token", "kizen-api-key", "kizen-user-id", "kizen-business-id")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox",
        description="Serve Kananas and Kizen on localhost over generated, invented data.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help="port to listen on; 0 takes any free one (default: %(default)s)",
    )
    add(
        "--scale",
        type=float,
        default=1,
        help="size of the data; 1 is 2,000 contacts and 600 companies (default: %(default)s)",
    )
    add("--contacts", type=int, help="number of contacts, whatever the scale")
    add("--companies", type=int, help="number of companies, whatever the scale")
    add("--seed", type=int, default=1, help="the same seed gives the same data (default: 1)")
    add(
        "--envelope",
        choices=ENVELOPES,
        default="object",
        help="shape of Kananas' answer (default: %(default)s)",
    )
    add("--numbers-as-strings", action="store_true", help="numbers of Kananas as strings")
    _add_behaviour(parser)
    add("--latency", type=float, default=0, help="milliseconds per request (default: 0)")
    add(
        "--rate-limit",
        type=int,
        default=25,
        help="Kizen requests per second and API key; 0 is no limit (default: %(default)s)",
    )
    add("--truth", type=Path, help="CSV to write: contact_id,company_id")
    add("--ready-file", type=Path, help="JSON to write once the sandbox listens")
    add(
        "--warm",
        nargs="*",
        choices=(*_WARMED, *BY_NAME),
        metavar="NAME",
        help="generate all of these before listening: contacts, companies, or an object's records "
        "(without a name: contacts and companies)",
    )
    add("--generate-only", type=Path, metavar="FOLDER", help="write the data there, serve nothing")
    add("--access-log", action="store_true", help="a line per request on stderr")
    for name in _CREDENTIALS:
        variable = f"SANDBOX_{name.replace('-', '_').upper()}"
        add(f"--{name}", help=f"also from the environment variable {variable}")
    group = parser.add_argument_group("shares, between 0 and 1")
    for share in share_options():
        group.add_argument(
            f"--share-{share.name.replace('_', '-')}",
            type=float,
            default=share.default,
            metavar="SHARE",
            help=f"{share.help} (default: %(default)s)",
        )
    return parser


def _add_behaviour(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--kananas-lie",
        choices=LIES,
        metavar="LIE",
        help=f"answer wrongly with status 200: {', '.join(LIES)}",
    )
    add(
        "--kananas-paging",
        choices=KANANAS_PAGINGS,
        default="none",
        help="parameters that Kananas heeds: page and limit, or offset and limit (default: none)",
    )
    add(
        "--kananas-webhook",
        default=os.environ.get("SANDBOX_KANANAS_WEBHOOK") or None,
        metavar="ADDRESS",
        help="where to send a webhook for each contact that registers; also from the environment "
        "variable SANDBOX_KANANAS_WEBHOOK",
    )
    add(
        "--kananas-webhook-form",
        choices=(VARIED, *FORMS),
        default=VARIED,
        help="how a webhook looks (default: each time another way)",
    )
    add(
        "--kizen-account",
        choices=KIZEN_ACCOUNTS,
        default="both",
        help="generations of Kizen's API that answer (default: %(default)s)",
    )
    add(
        "--kizen-counts",
        choices=KIZEN_COUNTS,
        default="documented",
        help="which of Kizen's pages carry a count (default: %(default)s)",
    )
    add(
        "--kizen-hidden",
        action="append",
        default=[],
        metavar="NAME",
        help="object or list that the Kizen user may not see; may be repeated",
    )
    add(
        "--kizen-refuses",
        action="append",
        choices=KIZEN_REFUSALS,
        help="what Kizen answers with 400; may be repeated (default: updated-ordering)",
    )
    add(
        "--kizen-moving",
        type=int,
        default=0,
        metavar="N",
        help="archive and add so many records before each page of records (default: 0)",
    )
    add("--faults", type=Path, metavar="FILE", help="JSON: a list of faults that happen")


def _options(given: argparse.Namespace) -> Options:
    contacts, companies = counts_at(given.scale)
    names = [name.replace("-", "_") for name in _CREDENTIALS]
    defaults = Credentials.from_environment()
    return Options(
        contacts=contacts if given.contacts is None else given.contacts,
        companies=companies if given.companies is None else given.companies,
        seed=given.seed,
        host=given.host,
        port=0 if given.generate_only else given.port,
        envelope=given.envelope,
        numbers_as_strings=given.numbers_as_strings,
        latency=given.latency,
        rate_limit=given.rate_limit,
        kananas_lie=given.kananas_lie,
        kananas_paging=given.kananas_paging,
        kananas_webhook=given.kananas_webhook,
        kananas_webhook_form=given.kananas_webhook_form,
        kizen_account=given.kizen_account,
        kizen_counts=given.kizen_counts,
        kizen_hidden=tuple(given.kizen_hidden),
        kizen_refuses=tuple(given.kizen_refuses or Options.kizen_refuses),
        kizen_moving=given.kizen_moving,
        access_log=given.access_log,
        credentials=Credentials(
            **{name: getattr(given, name) or getattr(defaults, name) for name in names}
        ),
        shares=Shares(
            **{share.name: getattr(given, f"share_{share.name}") for share in share_options()}
        ),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exits with 0 when it was stopped, 2 on wrong usage or a port in use."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        options = _options(given)
        with opened(options) as sandbox:
            _run(sandbox, given)
    except (ValueError, OSError, PortInUseError) as error:
        sys.stderr.write(f"sandbox: error: {error}\n")
        sys.exit(WRONG_USAGE)
    sys.exit(DONE)


def _run(sandbox: Sandbox, given: argparse.Namespace) -> None:
    if given.truth:
        _write_truth(sandbox, given.truth)
    if given.generate_only:
        _write_data(sandbox, given.generate_only)
        return
    if given.faults:
        sandbox.faults.add(*read_faults(given.faults))
    if given.warm is not None:
        account = sandbox.account
        known = {
            "contacts": account.contacts,
            "companies": account.companies,
            **account.crm.records,
        }
        for name in given.warm or _WARMED:
            known[name].warm()
    sandbox.serve(lambda: _announce(sandbox, given.ready_file))


def _announce(sandbox: Sandbox, ready_file: Path | None) -> None:
    line = json.dumps(
        {
            "pid": os.getpid(),
            "host": sandbox.host,
            "port": sandbox.port,
            "kananas_url": sandbox.kananas_url,
            "registration_url": sandbox.registration_url,
            "kizen_url": sandbox.kizen_url,
            "contacts": len(sandbox.account.contacts),
            "companies": len(sandbox.account.companies),
            "linked_contacts": sandbox.account.linked_contacts,
            "kizen": sandbox.account.crm.counts,
        }
    )
    if ready_file:
        with written(ready_file) as file:
            file.write(f"{line}\n")
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _write_truth(sandbox: Sandbox, path: Path) -> None:
    with written(path) as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("contact_id", "company_id"))
        rows.writerows(sandbox.account.links())


def _write_data(sandbox: Sandbox, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write_truth(sandbox, folder / "truth.csv")
    people = sandbox.account.people()
    for name, records, added in (
        ("contacts", sandbox.account.contacts.lines(), people.contacts),
        ("companies", sandbox.account.companies.lines(), ()),
        ("client_client", (), people.records),
    ):
        with written(folder / f"{name}.jsonl") as file:
            for line in chain(records, map(msgspec.json.encode, added)):
                file.write(f"{line.decode()}\n")
    with written(folder / "truth_people.csv") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("contact_id", "kizen_contact_id"))
        rows.writerows(people.links)


if __name__ == "__main__":
    main()
