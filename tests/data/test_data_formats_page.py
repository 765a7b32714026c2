"""The examples in docs/data-formats.md run as they stand there."""

import json
import re
from pathlib import Path

import pytest

import bandstop.data
from bandstop.data.doctor.orders import ORDERS
from bandstop.data.drop import DROPS
from bandstop.data.formats import FORMATS
from bandstop.data.words import side_of
from bandstop.skeleton import LAYOUTS, Skeleton

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


def test_the_joint_order_of_every_layout_is_on_the_page():
    for name, skeleton in LAYOUTS.items():
        joints = ", ".join(f"{i} {joint}" for i, joint in enumerate(skeleton.joints))
        assert f"| `{name}` | {skeleton.bodies} x {len(skeleton.joints)} | {joints} |" in PAGE


def test_the_way_from_a_known_order_to_a_layout_on_the_page_is_the_doctors():
    (mediapipe,) = [o for o in ORDERS if o.name == "MediaPipe's hands"]
    assert f"positions[:, {list(mediapipe.to['hand21'])}]" in PAGE


def test_every_word_for_a_side_that_the_page_names_is_one():
    (table,) = re.findall(r"\| words \| meaning \|\n(.*?)\n\n", PAGE, flags=re.DOTALL)
    rows = [row.split("|")[1] for row in table.splitlines()[1:]]
    words = [re.findall(r"`([^`]+)`", row) for row in rows]
    sides = [{side_of(word)[0] for word in row} for row in words]
    assert sides == [
        {"train", "test"},
        {"train", "test"},
        {"validation"},
        {"validation"},
        {"train"},
        {None},
    ]


def test_everything_that_can_be_dropped_is_on_the_page():
    assert all(f"| `--drop {word}` |" in PAGE for word in DROPS)
