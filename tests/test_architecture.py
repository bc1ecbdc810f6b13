"""What may import what: no circle within a package, and nothing against the way of the data."""

from __future__ import annotations

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import pytest

from tools.imports import (
    circles,
    main,
    mermaid,
    module_graph,
    modules,
    package_graph,
    packages,
)

if TYPE_CHECKING:
    from pathlib import Path

#: What each package may import of the others.
ALLOWED: dict[str, set[str]] = {
    "airbyte_source": set(),
    "console": set(),
    "kananas_kizen_elt": {"console", "kananas_webhooks", "refresh", "sandbox", "target_duckdb"},
    "kananas_webhooks": set(),
    "refresh": {"console", "target_duckdb"},
    "rest_tap": set(),
    "sandbox": set(),
    "tap_kananas": {"airbyte_source", "rest_tap"},
    "tap_kizen": {"airbyte_source", "rest_tap"},
    "target_duckdb": set(),
}


def test_every_package_has_a_rule() -> None:
    not_installed = {"benchmarks", "evaluation", "tools"}
    assert set(packages()) - not_installed == ALLOWED.keys()


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    for module, named in modules(package).items():
        others = {name.partition(".")[0] for name in named} & (ALLOWED.keys() - {package})
        assert others <= ALLOWED[package], module


def test_no_modules_know_each_other_in_a_circle() -> None:
    """Of any package of the repository, by types either."""
    graph = module_graph(packages())
    assert "target_duckdb.target" in graph
    assert circles(graph) == circles(package_graph(graph)) == set()


def test_a_circle_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.py").write_text("def f():\n    from p import b\n", encoding="utf-8")
    (tmp_path / "p" / "b.py").write_text("import p.c\n", encoding="utf-8")
    (tmp_path / "p" / "c.py").write_text("from p.a import f\n", encoding="utf-8")
    (tmp_path / "p" / "d.py").write_text("import p.a\n", encoding="utf-8")
    graph = module_graph(["p"], tmp_path)
    assert circles(graph) == {frozenset({"p.a", "p.b", "p.c"})}
    assert mermaid(graph).splitlines()[1:] == [
        "  p.a --> p.b", "  p.b --> p.c", "  p.c --> p.a", "  p.d --> p.a",
    ]  # fmt: skip


def test_the_command_draws_packages_and_modules(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, line in (
        ([], "  tap_kizen --> rest_tap"),
        (["tap_kizen"], "  tap_kizen.tap --> tap_kizen.discovery"),
    ):
        monkeypatch.setattr("sys.argv", ["imports", *arguments])
        assert main() == 0
        out, err = capsys.readouterr()
        assert line in out.splitlines()
        assert err.endswith("packages: no circle\n")
    monkeypatch.setattr("sys.argv", ["imports", "nothing"])
    assert main() == 2


def test_packages_do_not_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter(ALLOWED).prepare()
    except CycleError as error:
        pytest.fail(str(error))


@pytest.mark.parametrize("program", ["target_duckdb.publish", "target_duckdb.parquet.cli"])
def test_to_publish_needs_no_singer_sdk(program: str) -> None:
    """It takes half a second to import, in each night."""
    command = f"import sys, {program}; sys.exit('singer_sdk' in sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True)
