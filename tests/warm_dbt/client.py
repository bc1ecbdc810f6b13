"""Asks the server to run a dbt command here, with these arguments and variables.

Usage: python -IS client.py SOCKET ARGUMENT…
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path


def main(address: str, arguments: list[str]) -> int:
    """Wait for the command, pass signals on to it, and end as it does."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda number, _: server.sendall(bytes([number])))
        job = json.dumps([arguments, str(Path.cwd()), dict(os.environ)]).encode()
        socket.send_fds(server, [len(job).to_bytes(4, "big")], [0, 1, 2])
        server.sendall(job)
        answer = server.recv(1)
    if not answer:
        sys.stderr.write("the server of dbt has ended\n")
        return 1
    return answer[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
