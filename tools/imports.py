"""Draw which module of ours imports which, and say whether there is a circle: `make imports`.

Prints a graph in Mermaid, which GitHub and many editors show: the packages, or with a package's
name its modules. Every import counts, also of types only and inside functions.

Usage: python -m tools.imports [PACKAGE]

Exit code 0: no circle; 1: there is one, and its modules are named.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

Graph = dict[str, set[str]]


def imported(file: Path) -> set[str]:
    """Return every module that a file names, for types too, and wherever it is imported."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def packages(root: Path = ROOT) -> list[str]:
    """Return the packages of the repository but its tests, in the order of the alphabet."""
    found = {file.parent.name for file in root.glob("*/__init__.py")}
    return sorted(found - {"tests"})


def modules(package: str, root: Path = ROOT) -> Graph:
    """Return what each module of a package names."""
    files = (root / package).rglob("*.py")
    return {
        ".".join(file.relative_to(root).with_suffix("").parts): imported(file) for file in files
    }


def module_graph(names: list[str], root: Path = ROOT) -> Graph:
    """Return which module of these packages imports which other of them."""
    found = {module: named for name in names for module, named in modules(name, root).items()}
    return {module: (named & found.keys()) - {module} for module, named in found.items()}


def package_graph(graph: Graph) -> Graph:
    """Return which package imports which other, by a graph of modules."""
    found: Graph = defaultdict(set)
    for module, named in graph.items():
        package = module.partition(".")[0]
        found[package] |= {other.partition(".")[0] for other in named} - {package}
    return dict(found)


def circles(graph: Graph) -> set[frozenset[str]]:
    """Return the groups of nodes that reach each other, each as large as it is."""
    reached = {name: _reached(name, graph) for name in graph}
    mutual = {
        name: frozenset(other for other in reached[name] if name in reached[other])
        for name in graph
    }
    return {group for group in mutual.values() if group}


def _reached(start: str, graph: Graph) -> set[str]:
    met: set[str] = set()
    waiting = [start]
    while waiting:
        for other in graph[waiting.pop()] - met:
            met.add(other)
            waiting.append(other)
    return met


def mermaid(graph: Graph) -> str:
    """Return a graph as Mermaid draws it; an arrow leads from who imports to what is imported."""
    lines = [f"  {name} --> {other}" for name in sorted(graph) for other in sorted(graph[name])]
    alone = [f"  {name}" for name in sorted(graph) if not graph[name]]
    return "\n".join(["graph TD", *lines, *alone])


def main() -> int:
    """Draw the graph; a circle anywhere in the repository is an error."""
    wanted, known = sys.argv[1:], packages()
    if not set(wanted) <= set(known):
        print(f"choose one of {', '.join(known)}", file=sys.stderr)
        return 2
    every = module_graph(known)
    print(mermaid(module_graph(wanted) if wanted else package_graph(every)))
    found = {*circles(every), *circles(package_graph(every))}
    for group in found:
        print(f"A circle: {', '.join(sorted(group))}", file=sys.stderr)
    print(
        f"{len(every)} modules of {len(known)} packages: {len(found) or 'no'} circle"
        f"{'s' if len(found) > 1 else ''}",
        file=sys.stderr,
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
