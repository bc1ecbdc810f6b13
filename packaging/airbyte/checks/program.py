"""A program that speaks the Airbyte protocol, as the CDK's tests want it: as an object.

The CDK cannot live in the environment of a tap of the Singer SDK: each brings a module
`backoff`. So each call starts the program, and every line it prints must be a message.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteMessageSerializer,
    ConnectorSpecification,
    FailureType,
    TraceType,
    Type,
)
from airbyte_cdk.sources import Source
from airbyte_cdk.utils import AirbyteTracedException

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping


def _failure_of(message: AirbyteMessage) -> AirbyteTracedException | None:
    """Give what an error message says as an exception; None for any other message."""
    if message.type is not Type.TRACE or message.trace.type is not TraceType.ERROR:
        return None
    error = message.trace.error
    return AirbyteTracedException(
        internal_message=error.internal_message,
        message=error.message,
        failure_type=error.failure_type or FailureType.system_error,
    )


class ProgramSource(Source):
    """The program as a source of the CDK."""

    def __init__(self, program: str) -> None:
        """Take the path of the program."""
        self._program = program

    def _run(self, command: str, **files: Any) -> Iterator[AirbyteMessage]:  # noqa: ANN401
        """Yield the messages of a command.

        Args:
            command: The command.
            files: What goes into the files named by its options.

        Raises:
            AirbyteTracedException: If the program ends with a failure it has not told.
        """
        with TemporaryDirectory() as folder:
            arguments = [self._program, command]
            for option, content in files.items():
                file = Path(folder, f"{option}.json")
                file.write_text(json.dumps(content), encoding="utf-8")
                arguments += [f"--{option}", str(file)]
            with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
                has_told = False
                for line in process.stdout or ():
                    message = AirbyteMessageSerializer.load(json.loads(line))
                    has_told = has_told or _failure_of(message) is not None
                    yield message
        if process.returncode != 0 and not has_told:
            message = f"{command} ended with {process.returncode}, and did not say why"
            raise AirbyteTracedException(message=message)

    def _only(self, kind: Type, command: str, **files: Any) -> AirbyteMessage:  # noqa: ANN401
        """Give the one message of a kind that a command answers.

        Raises:
            AirbyteTracedException: If it answers with an error.
        """
        found = []
        for message in self._run(command, **files):
            failure = _failure_of(message)
            if failure is not None:
                raise failure
            if message.type is kind:
                found.append(message)
        assert len(found) == 1, f"{command}: {len(found)} messages of type {kind.value}"
        return found[0]

    def spec(self, logger: logging.Logger) -> ConnectorSpecification:  # noqa: ARG002
        """Give the settings there are."""
        return self._only(Type.SPEC, "spec").spec

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:  # noqa: ARG002
        """Say whether the service can be read."""
        return self._only(Type.CONNECTION_STATUS, "check", config=config).connectionStatus

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:  # noqa: ARG002
        """Give the streams there are."""
        return self._only(Type.CATALOG, "discover", config=config).catalog

    @classmethod
    def read_catalog(cls, catalog_path: str) -> Any:  # noqa: ANN401
        """Leave it to the program to find a catalog wrong."""
        return json.loads(Path(catalog_path).read_text(encoding="utf-8"))

    def read(
        self,
        logger: logging.Logger,  # noqa: ARG002
        config: Mapping[str, Any],
        catalog: Any,  # noqa: ANN401
        state: list[Any] | None = None,  # noqa: ARG002 - the CDK's tests have none
    ) -> Iterator[AirbyteMessage]:
        """Yield what a read brings."""
        yield from self._run("read", config=config, catalog=catalog)
