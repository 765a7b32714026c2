"""What turns a text into another language is asked of bandstop.text, and of nobody else: a new place that
does it itself, or forgets to, is found here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bandstop

ROOT = Path(bandstop.__file__).parent
OWN = {"rich.console.Console", "shlex.quote", "shlex.join", "html.escape", "csv.DictWriter"}
"""What bandstop.text alone may use."""
SAFE = {"shown", "in_json", "version"}
"""What may stand around everything that is echoed or printed."""
PRINTS = {"typer.echo", "print", "sys.stdout.write", "sys.stderr.write"}


def faults(source: str) -> list[str]:
    """Names of OWN that a module imports or uses, and prints of what went through none of SAFE."""
    tree, found = ast.parse(source), []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found += [n for alias in node.names if (n := f"{node.module}.{alias.name}") in OWN]
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in OWN:
            found.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTS and node.args:
            calls = {ast.unparse(n.func) for n in ast.walk(node.args[0]) if isinstance(n, ast.Call)}
            plain = isinstance(node.args[0], ast.Constant) or calls & SAFE
            found += [] if plain else [ast.unparse(node)]
        elif isinstance(node, ast.keyword) and node.arg == "markup":
            found += [] if ast.unparse(node.value) == "False" else ["markup"]
    return found


MODULES = sorted(p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_every_module_asks_for_its_escapes(module):
    if module != "text.py":
        assert faults((ROOT / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "planted",
    ["from rich.console import Console", "import shlex\nshlex.join(['a'])", "from html import escape",
     "typer.echo(path)", "typer.echo(f'{path}')", "print(name, file=sys.stderr)", "out.print(x, markup=True)",
     "typer.echo(json.dumps(values))"],
)  # fmt: skip
def test_a_planted_place_that_does_not_is_found(planted):
    assert faults(planted) != []
