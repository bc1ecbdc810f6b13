"""What Airbyte wants to know of a source is true."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.airbyte_source.programs import SETTINGS, SOURCES, ask
from tools.airbyte_check import example

if TYPE_CHECKING:
    from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGING = ROOT / "packaging" / "airbyte"
VERSION = version("kananas-kizen-elt")


def metadata(name: str) -> dict[str, Any]:
    text = (PACKAGING / f"source-{name}" / "metadata.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)["data"]
    return data


@pytest.mark.parametrize("name", SOURCES)
def test_the_metadata_fit_the_source(name: str, shared_sandbox: Sandbox, tmp_path: Path) -> None:
    data = metadata(name)
    assert data["name"] == SOURCES[name].title
    assert data["dockerRepository"].endswith(f"/{SOURCES[name].name}")
    assert data["dockerImageTag"] == VERSION
    assert UUID(data["definitionId"]).version == 4
    (host,) = data["allowedHosts"]["hosts"]
    assert host in SOURCES[name].tap.config_jsonschema["properties"]["api_url"]["default"]
    streams = ask(SOURCES[name], "discover", tmp_path, SETTINGS[name](shared_sandbox)).streams
    assert set(data["suggestedStreams"]["streams"]) <= streams.keys()


def test_no_two_sources_have_one_id() -> None:
    assert len({metadata(name)["definitionId"] for name in SOURCES}) == len(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_the_icon_is_a_square_image(name: str) -> None:
    icon = ET.parse(PACKAGING / f"source-{name}" / metadata(name)["icon"]).getroot()  # noqa: S314
    assert icon.tag.endswith("svg")
    assert icon.get("width") == icon.get("height")


@pytest.mark.parametrize("name", SOURCES)
def test_the_image_starts_the_source(name: str) -> None:
    file = (PACKAGING / f"source-{name}" / "Dockerfile").read_text(encoding="utf-8")
    program = f"/usr/local/bin/{SOURCES[name].name}"
    assert f'ENV AIRBYTE_ENTRYPOINT="{program}"' in file
    assert f'ENTRYPOINT ["{program}"]' in file
    assert f"requirements/tap-{name}.txt" in file
    assert f'io.airbyte.version="{VERSION}"' in file


def test_an_image_gets_every_package_of_the_wheel() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^packages = (\[[^]]*\])$", project, re.MULTILINE)
    packages = yaml.safe_load(listed)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in ignored if line.startswith("!")}
    assert {*packages, "LICENSE", "requirements"} <= kept


def test_the_example_of_the_page_can_be_tried() -> None:
    # `make airbyte-check` runs it.
    for name in ("pyairbyte", "warehouse", "configure.py", "state.py"):
        compile(example(name), "docs/airbyte.md", "exec")
