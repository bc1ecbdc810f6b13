"""A program that appends decisions until it is killed, and says which are saved.

Usage: python -m tests.console.decisions.appending PATH NAME
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from console.decisions.decision import Decision, new_id, now
from console.decisions.file import DecisionsFile


def main() -> None:
    path, name = sys.argv[1:]
    file = DecisionsFile(Path(path))
    for number in itertools.count():
        decision = Decision(
            id=new_id(),
            kind="company_link",
            decision="force",
            contact_id=f"{name} {number}",
            company_id="c",
            reason="é" * 500,
            decided_at=now(),
        )
        file.append([decision])
        sys.stdout.write(f"{decision.id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
