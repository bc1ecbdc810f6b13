"""The command ``sandbox``."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.credentials import Credentials
from sandbox.files import written
from sandbox.options import ENVELOPES, Options, counts_at
from sandbox.server import PortInUseError, Sandbox, opened
from sandbox.shares import Shares, share_options

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, WRONG_USAGE = 0, 2
DEFAULT_PORT = 8765
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
    add("--kizen-count", action="store_true", help="a count on the pages of Kizen's legacy lists")
    add("--latency", type=float, default=0, help="milliseconds per request (default: 0)")
    add(
        "--rate-limit",
        type=int,
        default=25,
        help="Kizen requests per second and API key; 0 is no limit (default: %(default)s)",
    )
    add("--truth", type=Path, help="CSV to write: contact_id,company_id")
    add("--ready-file", type=Path, help="JSON to write once the sandbox listens")
    add("--warm", action="store_true", help="generate all records before listening")
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


def _options(given: argparse.Namespace) -> Options:
    contacts, companies = counts_at(given.scale)
    names = [name.replace("-", "_") for name in _CREDENTIALS]
    defaults = Credentials.from_environment()
    return Options(
        contacts=contacts if given.contacts is None else given.contacts,
        companies=companies if given.companies is None else given.companies,
        seed=given.seed,
        host=given.host,
        port=given.port,
        envelope=given.envelope,
        numbers_as_strings=given.numbers_as_strings,
        latency=given.latency,
        rate_limit=given.rate_limit,
        kizen_count=given.kizen_count,
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
    if given.warm:
        sandbox.account.contacts.warm()
        sandbox.account.companies.warm()
    sandbox.serve(lambda: _announce(sandbox, given.ready_file))


def _announce(sandbox: Sandbox, ready_file: Path | None) -> None:
    line = json.dumps(
        {
            "pid": os.getpid(),
            "host": sandbox.host,
            "port": sandbox.port,
            "kananas_url": sandbox.kananas_url,
            "kizen_url": sandbox.kizen_url,
            "contacts": len(sandbox.account.contacts),
            "companies": len(sandbox.account.companies),
            "linked_contacts": sandbox.account.linked_contacts,
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
    for name, records in (
        ("contacts", sandbox.account.contacts),
        ("companies", sandbox.account.companies),
    ):
        with written(folder / f"{name}.jsonl") as file:
            for line in records.lines():
                file.write(f"{line.decode()}\n")


if __name__ == "__main__":
    main()
