"""The CDK's standard tests, over the program and the folder that the environment names.

`make airbyte-check` sets SOURCE_PROGRAM, and SOURCE_FOLDER with the settings in `secrets/`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from airbyte_cdk.test import standard_tests
from program import ProgramSource

pytest_plugins = ["airbyte_cdk.test.standard_tests.pytest_hooks"]


def _program() -> ProgramSource:
    return ProgramSource(os.environ["SOURCE_PROGRAM"])


# What the CDK only warns about as yet counts here already.
@pytest.mark.filterwarnings("error::airbyte_cdk.test.standard_tests.DiscoveredCatalogWarning")
class TestStandards(standard_tests.SourceTestSuiteBase):
    """Whatever the CDK asks of a source."""

    connector = _program

    @classmethod
    def get_connector_root_dir(cls) -> Path:
        """Give the folder with acceptance-test-config.yml."""
        return Path(os.environ["SOURCE_FOLDER"])
