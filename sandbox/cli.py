"""The command ``sandbox``."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import fields
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any

import msgspec

from sandbox.credentials import Credentials
from sandbox.faults import read_faults
from sandbox.generate.crm.model import BY_NAME
from sandbox.options import DEFAULT_PORT, Options, counts_at, dashed, offered
from sandbox.server import PortInUseError, Sandbox, opened
from sandbox.shares import Shares, share_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from dataclasses import Field

DONE, WRONG_USAGE = 0, 2
_WARMED = ("contacts", "companies")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox",
        description="Serve Kananas and Kizen on localhost over generated, invented data.",
    )
    add = parser.add_argument
    add(
        "--scale",
        type=float,
        default=1,
        help="size of the data; 1 is 2,000 contacts and 600 companies (default: %(default)s)",
    )
    for option in offered():
        add(f"--{dashed(option.name)}", dest=option.name, **_argument(option))
    add("--faults", type=Path, metavar="FILE", help="JSON: a list of faults that happen")
    add("--truth", type=Path, help="CSV to write: contact_id,company_id")
    add(
        "--truth-people",
        type=Path,
        help="CSV to write: contact_id,kizen_contact_id, of those who are served",
    )
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
    for credential in fields(Credentials):
        variable = f"SANDBOX_{credential.name.upper()}"
        help_ = f"also from the environment variable {variable}"
        add(f"--{dashed(credential.name)}", help=help_)
    group = parser.add_argument_group("shares, between 0 and 1")
    for share in share_options():
        group.add_argument(
            f"--share-{dashed(share.name)}",
            type=float,
            default=share.default,
            metavar="SHARE",
            help=f"{share.help} (default: %(default)s)",
        )
    return parser


def _argument(option: Field[Any]) -> dict[str, Any]:
    """Return how an option reads its value; what is not given is left out of the result."""
    said = option.metadata
    argument: dict[str, Any] = {"default": argparse.SUPPRESS, "help": said["help"]}
    default = said.get("usual", option.default)
    if isinstance(option.default, bool):
        return {**argument, "action": "store_true"}
    if isinstance(option.default, tuple):
        argument["action"] = "append"
        default = ", ".join(option.default)
    elif option.default is not None:
        argument["type"] = float if option.name == "latency" else type(option.default)
    if default or default == 0:
        argument["help"] += f" (default: {default})"
    # What --kizen-hidden may name is told by Options, in one line.
    if "choices" in said and option.name != "kizen_hidden":
        argument["choices"] = list(said["choices"])
    if "metavar" in said:
        argument["metavar"] = said["metavar"]
    return argument


def _options(given: argparse.Namespace) -> Options:
    contacts, companies = counts_at(given.scale)
    values: dict[str, Any] = {
        "contacts": contacts,
        "companies": companies,
        "port": 0 if given.generate_only else DEFAULT_PORT,
        "kananas_webhook": os.environ.get("SANDBOX_KANANAS_WEBHOOK") or None,
    }
    for option in offered():
        if hasattr(given, option.name):
            value = getattr(given, option.name)
            values[option.name] = tuple(value) if isinstance(value, list) else value
    if given.generate_only:
        values["port"] = 0
    defaults = Credentials.from_environment()
    credentials = {
        each.name: getattr(given, each.name) or getattr(defaults, each.name)
        for each in fields(Credentials)
    }
    shares = {share.name: getattr(given, f"share_{share.name}") for share in share_options()}
    return Options(**values, credentials=Credentials(**credentials), shares=Shares(**shares))


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
    if given.truth_people:
        _write_pairs(given.truth_people, "kizen_contact_id", sandbox.account.crm.members())
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
        with _written(ready_file) as file:
            file.write(f"{line}\n")
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _write_truth(sandbox: Sandbox, path: Path) -> None:
    _write_pairs(path, "company_id", sandbox.account.links())


def _write_pairs(path: Path, other: str, pairs: Iterable[tuple[int, str]]) -> None:
    with _written(path) as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("contact_id", other))
        rows.writerows(pairs)


def _write_data(sandbox: Sandbox, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write_truth(sandbox, folder / "truth.csv")
    people = sandbox.account.people()
    for name, records, added in (
        ("contacts", sandbox.account.contacts.lines(), people.contacts),
        ("companies", sandbox.account.companies.lines(), ()),
        ("client_client", (), people.records),
    ):
        with _written(folder / f"{name}.jsonl") as file:
            for line in chain(records, map(msgspec.json.encode, added)):
                file.write(f"{line.decode()}\n")
    _write_pairs(folder / "truth_people.csv", "kizen_contact_id", people.links)
    _write_pairs(folder / "truth_employers.csv", "company_id", people.employers)


@contextmanager
def _written(path: Path) -> Iterator[IO[str]]:
    """Open a text file that takes the place of ``path`` when the block ends without an error.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    handle = NamedTemporaryFile(  # noqa: SIM115 - renamed before it is closed for good
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
    )
    try:
        with handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        Path(handle.name).replace(path)
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    main()
