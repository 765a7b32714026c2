"""The layer contracts hold, and they catch a violation that is planted on purpose."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")


def lint(package_parent: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [LINTER, "--config", ROOT / ".importlinter", "--no-cache"],
        cwd=package_parent,
        env={"PYTHONPATH": str(package_parent), "PATH": ""},
        capture_output=True,
        text=True,
    )


def test_the_layer_contracts_hold():
    done = lint(ROOT / "src")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("data/sequence.py", "import bandstop.gate", "data knows only the skeleton"),
        ("nn/attention_gcn.py", "import bandstop.prune", "nn has never heard of pruning"),
        ("report/__init__.py", "import torch", "report is made from records alone"),
        ("train/loop.py", "import bandstop.nn", "train is handed networks and data"),
        ("graph/reach.py", "import bandstop.prune", "graph knows torch and no room"),
        ("networks/blocks.py", "import bandstop.gate", "graph knows torch and no room"),
        ("gate/base.py", "import bandstop.graph", "gate works on any network and knows none"),
    ],
)
def test_a_planted_violation_is_caught(module, line, contract, tmp_path):
    shutil.copytree(ROOT / "src" / "bandstop", tmp_path / "bandstop")
    path = tmp_path / "bandstop" / module
    path.write_text(path.read_text() + f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode != 0
    assert any(contract in row and "BROKEN" in row for row in done.stdout.splitlines())
