"""What the package imports is what pyproject.toml declares, and all of that is pinned for `make`."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[A-Za-z0-9_-]+", r).group().lower() for r in requirements}


def imported(folder: Path) -> set[str]:
    """Top-level names of other packages that the sources import, wherever in the file."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"bandstop"}


def test_every_package_that_is_imported_is_declared():
    extras = PROJECT["optional-dependencies"]
    optional = names([r for extra, rs in extras.items() if extra != "dev" for r in rs])
    assert imported(ROOT / "src") <= names(PROJECT["dependencies"]) | optional


def test_every_declared_package_is_imported():
    assert names(PROJECT["dependencies"]) <= imported(ROOT / "src")


def test_everything_that_make_installs_is_pinned():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = names([line for line in lines if "==" in line and not line.startswith("#")])
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    assert names(wanted) <= pinned


def test_an_import_that_is_not_declared_is_seen(tmp_path):
    (tmp_path / "planted.py").write_text("def f():\n    import undeclared.thing\n")
    assert imported(tmp_path) == {"undeclared"}
