"""A server of S3 on loopback, in memory, with one bucket; ends when its standard input does.

It runs in the environment of `make check-s3`, which has `moto`. It writes its port on a line.

Usage: python s3_server.py BUCKET
"""

from __future__ import annotations

import io
import sys
import threading
from typing import TYPE_CHECKING, Any

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Iterable


class Quiet(WSGIRequestHandler):
    """Logs no request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - of the class
        """Say nothing."""


def one_at_a_time(application: Any) -> Any:
    """Return an application that takes one request after the other.

    moto looks whether a condition holds, and writes, in two steps.
    """
    lock = threading.Lock()

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # The body first: whoever sends it slowly, or not to its end, keeps nobody waiting.
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        if len(body) < length:
            raise ConnectionError
        environ["wsgi.input"] = io.BytesIO(body)
        with lock:
            return list(application(environ, start_response))

    return answer


def main() -> None:
    """Serve until the standard input ends."""
    application = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region_name="us-east-1",
        aws_access_key_id="server",
        aws_secret_access_key="server",
    )
    client.create_bucket(Bucket=sys.argv[1])
    print(server.port, flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
