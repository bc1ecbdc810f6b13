"""The records of the sandbox's object of companies, in a file, and what the API says of the object.

Usage: python object_records.py COUNT FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from sandbox.generate.crm.model import BY_NAME, COMPANY, described_field, described_object
from sandbox.generate.crm.records import Maker
from sandbox.generate.plan import Plan
from sandbox.shares import Shares

SEED = 1


def main() -> None:
    """Write `companies_company.jsonl`, and beside it the description for the service."""
    count, folder = int(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    maker = Maker(Plan(SEED, 1, count, Shares()))
    part = folder / "part"
    with part.open("wb") as file:
        for index in range(count):
            file.write(msgspec.json.encode(maker.record(COMPANY, index)) + b"\n")
    part.replace(folder / f"{COMPANY}.jsonl")
    model = BY_NAME[COMPANY]
    fields = [
        described_field(SEED, model, field, BY_NAME[field.relation] if field.relation else None)
        for field in model.fields
    ]
    described = {"object": described_object(SEED, model), "fields": fields}
    (folder / f"{COMPANY}.json").write_bytes(msgspec.json.encode(described))


if __name__ == "__main__":
    main()
