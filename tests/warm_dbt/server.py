"""Loads dbt once, and runs each command that a client asks for in a copy of this process.

Usage: python server.py SOCKET MODELS, in a folder with a small project; it prints a line when it is
ready, and ends with its input. Of the folder MODELS it compiles all texts of models.

A copy has the client's folder, variables, input and output. It is killed where the client is gone.
"""

import atexit
import gc
import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from types import CodeType
from typing import Any

from dbt.cli.main import (  # type: ignore[import-not-found]  # of the environment of dbt
    cli,
    dbtRunner,
)
from dbt_common.clients.jinja import (  # type: ignore[import-not-found]
    MacroFuzzEnvironment,
    get_template,
    template_cache,
)

from refresh.dbt_program import prepare

FAILED = 1


def _received(client: socket.socket) -> tuple[list[str], str, dict[str, str], list[int]]:
    """Return a job: arguments, folder, variables, and the client's input, output and errors."""
    length, descriptors, _, _ = socket.recv_fds(client, 4, 3)
    with client.makefile("rb") as stream:
        arguments, folder, variables = json.loads(stream.read(int.from_bytes(length, "big")))
    return arguments, folder, variables, descriptors


def _run(arguments: list[str], folder: str, variables: dict[str, str]) -> int:
    """Run a dbt command in this process, and return its exit code."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = ["dbt", *arguments]
    try:
        cli()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    return 0


def _start(client: socket.socket) -> int:
    """Start a copy of this process that runs what the client asks for, and return its id."""
    arguments, folder, variables, descriptors = _received(client)
    process = os.fork()
    if not process:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        exit_code = _run(arguments, folder, variables)
        # DuckDB's threads are not in the copy: what ends them would wait for ever.
        atexit._run_exitfuncs()  # noqa: SLF001
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
    for descriptor in descriptors:
        os.close(descriptor)
    return process


def _compile_once() -> None:
    """Have Jinja compile each text once; dbt's environments of one class make one code of it."""
    compiled: dict[tuple[type, str], CodeType] = {}
    compile_text = MacroFuzzEnvironment.compile

    def compile_new(environment: Any, source: str) -> CodeType:
        key = type(environment), source
        if key not in compiled:
            compiled[key] = compile_text(environment, source)
        return compiled[key]

    MacroFuzzEnvironment.compile = compile_new


def _warm_up(models: Path) -> None:
    """Load and compile what each command needs, so that no copy of this process has to.

    Raises:
        Exception: The small project cannot be parsed.
    """
    _compile_once()
    for _ in ("by parsing", "by reading what is parsed"):
        # The static parser has locks, for which a copy of this process would wait.
        parsed = dbtRunner().invoke(["--quiet", "--no-static-parser", "parse"])
        if parsed.exception:
            raise parsed.exception
    parsed.result.build_flat_graph()
    for macro in parsed.result.macros.values():
        template_cache.get_node_template(macro)
    for model in models.rglob("*.sql"):
        get_template(model.read_text(encoding="utf-8").strip(), {})


def serve(address: str) -> None:
    """Serve clients until the input ends."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    waiting = selectors.DefaultSelector()
    waiting.register(listener, selectors.EVENT_READ)
    waiting.register(sys.stdin, selectors.EVENT_READ)
    # By what tells that a copy has ended: its process, and who waits for it.
    running: dict[int, tuple[int, socket.socket]] = {}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        for key, _ in waiting.select():
            if key.fileobj is sys.stdin:
                return
            if key.fd not in waiting.get_map():
                continue
            if key.fileobj is listener:
                client, _ = listener.accept()
                process = _start(client)
                ended = os.pidfd_open(process)
                running[ended] = process, client
                waiting.register(ended, selectors.EVENT_READ)
                waiting.register(client, selectors.EVENT_READ, process)
            elif key.fd in running:
                process, client = running.pop(key.fd)
                _, status = os.waitpid(process, 0)
                code = os.waitstatus_to_exitcode(status)
                waiting.unregister(key.fd)
                os.close(key.fd)
                if client in waiting.get_map():
                    waiting.unregister(client)
                    client.sendall(bytes([code if code >= 0 else 128 - code]))
                client.close()
            else:
                sent = os.read(key.fd, 1)
                os.kill(key.data, sent[0] if sent else signal.SIGKILL)
                if not sent:
                    waiting.unregister(key.fileobj)


if __name__ == "__main__":
    _warm_up(Path(sys.argv[2]))
    prepare()
    # No copy looks for cycles among what is loaded.
    gc.freeze()
    serve(sys.argv[1])
