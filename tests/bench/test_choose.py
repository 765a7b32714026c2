"""benchmarks/choose.py: what options are chosen by holds nothing of a test part."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from making import SIDED, recordings

from bandstop.data import Dataset, Fold, load
from bandstop.errors import BadInput
from bandstop.record import read_record

FILE = Path(__file__).parents[2] / "benchmarks" / "choose.py"
SPEC = importlib.util.spec_from_file_location("choose", FILE)
assert SPEC is not None
assert SPEC.loader is not None
choose = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(choose)


def a_dataset(folds: int, groups: bool = True) -> Dataset:
    """24 recordings of two classes, of six people, or in six folders."""
    some = recordings(24)
    people = [f"p{i % 6}" for i in range(24)]
    made = tuple(
        type(s)(
            f"{'' if groups else person + '/'}{i}",
            s.positions,
            i // 6 % 2,
            person if groups else "",
        )
        for i, (s, person) in enumerate(zip(some, people, strict=True))
    )
    parts = [[i for i in range(24) if i % 6 % max(folds, 2) == k] for k in range(max(folds, 2))]
    cut = tuple(
        Fold(str(k + 1), tuple(i for i in range(24) if i not in part), tuple(part))
        for k, part in enumerate(parts)
    )
    return Dataset("some", SIDED, ("a", "b"), made, cut[:folds])


@pytest.mark.parametrize("by", ["group", "class"])
@pytest.mark.parametrize("folds", [1, 2, 3, 6])
@pytest.mark.parametrize("groups", [True, False])
def test_nothing_of_the_test_part_is_left_and_every_part_of_the_rest_tests_once(folds, by, groups):
    whole = a_dataset(folds, groups)
    for outer in whole.folds:
        inner = choose.inside(whole, outer.name, 3, by)
        hidden = {whole.sequences[i].name for i in outer.test}
        shown = {s.name for s in inner.sequences}
        assert shown == {s.name for s in whole.sequences} - hidden
        tested = [i for fold in inner.folds for i in fold.test]
        assert sorted(tested) == list(range(len(shown)))
        assert all({*f.train} | {*f.test} == {*range(len(shown))} for f in inner.folds)
        assert len(inner.folds) == (folds - 1 if folds > 2 else 3)


@pytest.mark.parametrize("groups", [True, False])
def test_one_fold_is_divided_by_whole_groups_or_folders(groups):
    inner = choose.inside(a_dataset(1, groups), "1", 3)
    for fold in inner.folds:
        sides = [
            {choose.group_of(inner.sequences[i]) for i in side} for side in (fold.train, fold.test)
        ]
        assert not sides[0] & sides[1]
        assert sides[1]


def test_divided_by_class_every_part_has_its_share_of_each():
    inner = choose.inside(a_dataset(1), "1", 3, "class")
    for fold in inner.folds:
        labels = [inner.sequences[i].label for i in fold.test]
        assert labels.count(0) == labels.count(1)


@pytest.mark.parametrize("parts", [0, 1, 7])
def test_more_parts_than_groups_are_refused_with_the_way_out(parts):
    with pytest.raises(BadInput, match=r"--parts must be at least 2 .* --by class"):
        choose.inside(a_dataset(1), "1", parts)


def test_values_have_the_types_of_their_options_and_every_combination_is_made():
    assert choose.parse("noise=0.1,0.2 levels=row+entry heads=3") == [
        {"noise": 0.1, "levels": ("row", "entry"), "heads": 3},
        {"noise": 0.2, "levels": ("row", "entry"), "heads": 3},
    ]


def test_the_command_prints_a_line_for_dense_and_for_each_rate(tmp_path, monkeypatch, capsys):
    names = [f.name for f in load("synthetic").folds]
    monkeypatch.setattr(
        sys, "argv",
        ["choose", "--data", "synthetic", "--rates", "0.5,0.9", "--seeds", "1", "--jobs", "1",
         "--vary", "steps=2 heads=2 filters=4", "--runs", str(tmp_path)],
    )  # fmt: skip
    monkeypatch.setattr(choose, "ProcessPoolExecutor", Here)
    choose.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"steps=2 heads=2 filters=4  {what}" for what in ("dense", "pmp 0.5", "pmp 0.9")
    ]
    assert "0.9000 before the cut" in lines[2]
    kept = sorted(path.name.split("-")[2] for path in tmp_path.glob("*pmp-0.9-*"))
    assert kept == (
        [f"fold{n}" for n in names[:-1]] if len(names) > 2 else ["folda", "foldb", "foldc"]
    )


def test_one_training_of_many_rates_prints_what_it_has_at_each(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv",
        ["choose", "--data", "synthetic", "--method", "mrmp", "--rates", "0.6,0.9", "--seeds", "1",
         "--jobs", "1", "--vary", "steps=2 heads=2 filters=4", "--runs", str(tmp_path)],
    )  # fmt: skip
    monkeypatch.setattr(choose, "ProcessPoolExecutor", Here)
    choose.main()
    lines = capsys.readouterr().out.splitlines()
    records = [read_record(path) for path in sorted(tmp_path.glob("*mrmp*/record.json"))]
    for line, rate in zip(lines[1:], (0.6, 0.9), strict=True):
        rows = [b for r in records for b in r.result["by_rate"] if b["rate_target"] == rate]
        each = " ".join(f"{100 * row['accuracy']:.1f}" for row in rows)
        assert line.startswith(f"steps=2 heads=2 filters=4  mrmp {rate}: ")
        assert line.endswith(f"({each})")


class Here:
    """A pool of no process but this one."""

    def __init__(self, jobs: int) -> None:
        assert jobs == 1

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def submit(self, function, *arguments):
        class Done:
            @staticmethod
            def result():
                return function(*arguments)

        return Done
