"""The examples in docs/data-formats.md run as they stand there."""

import json
import re
from pathlib import Path

import pytest

import bandstop.data
from bandstop.data.formats import FORMATS
from bandstop.skeleton import Skeleton

PAGE = (Path(__file__).parents[2] / "docs" / "data-formats.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_in_python_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[number], f"example {number}", "exec"), {})
    for path in tmp_path.glob("*.npz"):
        assert bandstop.data.load("npz", path).folds


def test_the_example_of_a_skeleton_is_one():
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    assert Skeleton.from_dict(json.loads(text)).nodes == 3


def test_every_format_is_on_the_page():
    assert all(f"`{name}:" in PAGE for name in FORMATS)
