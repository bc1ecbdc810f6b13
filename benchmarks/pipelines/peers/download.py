"""Pages off the wire and thrown away, on as many connections as the first argument says."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import requests

URL = os.environ["BENCH_URL"]
NOT_FOUND = 404


def pages(first: int, step: int) -> None:
    """Ask for every so-many-th page until there is none."""
    session = requests.Session()
    for number in count(first, step):
        query = {"page": number, "page_size": 1000, "ordering": "created"}
        answer = session.get(f"{URL}/company", params=query, timeout=60)
        if answer.status_code == NOT_FOUND:
            return
        answer.raise_for_status()


def main() -> None:
    """Download."""
    connections = int(sys.argv[1])
    with ThreadPoolExecutor(connections) as pool:
        for done in [pool.submit(pages, n + 1, connections) for n in range(connections)]:
            done.result()


if __name__ == "__main__":
    main()
