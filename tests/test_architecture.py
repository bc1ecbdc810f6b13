"""What may import what: no circle within a package, and nothing against the way of the data."""

from __future__ import annotations

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: What each package may import of the others.
ALLOWED: dict[str, set[str]] = {
    "airbyte_source": set(),
    "kananas_kizen_elt": {"kananas_webhooks", "sandbox", "target_duckdb"},
    "kananas_webhooks": set(),
    "rest_tap": set(),
    "sandbox": set(),
    "tap_kananas": {"airbyte_source", "rest_tap"},
    "tap_kizen": {"airbyte_source", "rest_tap"},
    "target_duckdb": set(),
}

#: Modules that still know each other, if only by type.
CIRCLES: dict[str, set[frozenset[str]]] = {
    "airbyte_source": {frozenset({"airbyte_source.reading", "airbyte_source.source"})},
    "tap_kananas": {frozenset({"tap_kananas.streams", "tap_kananas.tap"})},
}


def imports(file: Path) -> set[str]:
    """Every module that a file names, for types too, and wherever it is imported."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def modules(package: str) -> dict[str, set[str]]:
    files = (ROOT / package).rglob("*.py")
    return {".".join(file.relative_to(ROOT).with_suffix("").parts): imports(file) for file in files}


def circles(package: str) -> set[frozenset[str]]:
    """The groups of modules that import each other; each as large as it is."""
    found = modules(package)
    graph = {name: {other for other in named if other in found} for name, named in found.items()}
    reached = {name: _reached(name, graph) for name in graph}
    groups = defaultdict(set)
    for name in graph:
        mutual = frozenset(other for other in reached[name] if name in reached[other])
        if mutual:
            groups[mutual | {name}].add(name)
    return set(groups)


def _reached(start: str, graph: dict[str, set[str]]) -> set[str]:
    met: set[str] = set()
    waiting = [start]
    while waiting:
        for other in graph[waiting.pop()] - met:
            met.add(other)
            waiting.append(other)
    return met


def test_every_package_has_a_rule() -> None:
    not_installed = {"benchmarks", "evaluation", "tests", "tools"}
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - not_installed
    assert packages == ALLOWED.keys()


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    for module, named in modules(package).items():
        others = {name.partition(".")[0] for name in named} & (ALLOWED.keys() - {package})
        assert others <= ALLOWED[package], module


@pytest.mark.parametrize("package", ALLOWED)
def test_no_modules_of_a_package_know_each_other_in_a_circle(package: str) -> None:
    assert circles(package) <= CIRCLES.get(package, set())


def test_a_circle_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_architecture.ROOT", tmp_path)
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.py").write_text("def f():\n    from p import b\n", encoding="utf-8")
    (tmp_path / "p" / "b.py").write_text("import p.c\n", encoding="utf-8")
    (tmp_path / "p" / "c.py").write_text("from p.a import f\n", encoding="utf-8")
    assert circles("p") == {frozenset({"p.a", "p.b", "p.c"})}


def test_packages_do_not_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter(ALLOWED).prepare()
    except CycleError as error:
        pytest.fail(str(error))
