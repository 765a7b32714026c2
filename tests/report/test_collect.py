"""Every whole record once; what is not whole is named with its reason and left out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bandstop.errors import BadInput
from bandstop.record import Record, write_record
from bandstop.report.collect import collect


@pytest.fixture
def runs(tmp_path, sweep) -> Path:
    """A folder of run directories."""
    for number, record in enumerate(sweep):
        save(tmp_path / "runs" / f"run{number:02d}", record)
    return tmp_path / "runs"


def save(folder: Path, record: Record) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    write_record(folder / "record.json", record)
    return folder / "record.json"


def test_a_folder_a_run_directory_and_a_record_file_are_all_read(runs, sweep):
    assert len(collect([runs]).records) == len(sweep)
    assert len(collect([runs.parent]).records) == len(sweep)
    assert collect([runs / "run00"]).records == collect([runs / "run00" / "record.json"]).records


def test_a_record_named_twice_or_copied_is_counted_once(runs, sweep):
    save(runs.parent / "copy", sweep[0])
    found = collect([runs, runs, runs / "run01", runs.parent / "copy"])
    assert len(found.records) == len(sweep)
    assert found.repeated == len(sweep) + 2
    assert not found.left_out


def test_the_same_recordings_under_another_path_are_the_same_run(runs, sweep):
    moved = replace(sweep[0], config=sweep[0].config | {"data": "npz:elsewhere.npz"})
    save(runs.parent / "moved", moved)
    assert len(collect([runs, runs.parent / "moved"]).records) == len(sweep)
    other = replace(sweep[0], data=sweep[0].data | {"fingerprint": "ff"})
    save(runs.parent / "other", other)
    assert len(collect([runs, runs.parent / "other"]).records) == len(sweep) + 1


def test_a_second_run_of_the_same_options_with_other_figures_is_left_out_and_named(runs, sweep):
    path = save(runs.parent / "zz", replace(sweep[1], result=sweep[1].result | {"bytes": 1}))
    found = collect([runs, runs.parent / "zz"])
    assert [each.path for each in found.left_out] == [str(path)]
    assert "run01/record.json but other figures" in found.left_out[0].reason
    assert 1 not in [record.result["bytes"] for record in found.records]


DAMAGE = {
    "cut in the middle": (lambda t: t[: len(t) // 2], "not valid JSON"),
    "empty": (lambda t: "", "not valid JSON"),
    "something else": (lambda t: "[1, 2]", "not a record"),
    "another version": (lambda t: t.replace('"version": 1', '"version": 99'), "version 99"),
    "an unknown option": (lambda t: t.replace('"prior"', '"proir"', 1), "unknown option"),
    "a figure missing": (lambda t: t.replace('"macs_sparse"', '"sparse"'), "macs_sparse"),
    "a figure out of range": (lambda t: edit(t, "result", accuracy=1.5), "accuracy must be a number"),
    "a figure that is no number": (lambda t: edit(t, "result", bytes="many"), "bytes must be a whole"),
    "NaN": (lambda t: edit(t, "result", accuracy=float("nan")), "NaN is no number of JSON"),
    "a mask that lost bits": (lambda t: t.replace('"bits": "', '"bits": "AA==", "b": "'), "damaged"),
    "a class missing": (lambda t: edit(t, "data", classes=["one"]), "not 1 by 1"),
    "a history of numbers": (lambda t: edit(t, None, history=[1]), "history[0] must be a mapping"),
    "latents cut short": (lambda t: edit(t, "latents", edges=[0, 1]), "do not fit their edges"),
}  # fmt: skip


def edit(text: str, part: str | None, **values: object) -> str:
    record = json.loads(text)
    (record[part] if part else record).update(values)
    return json.dumps(record)


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_record_is_left_out_with_its_reason_and_the_others_stay(kind, runs, sweep):
    spoil, words = DAMAGE[kind]
    path = runs / "run03" / "record.json"
    path.write_text(spoil(path.read_text()))
    found = collect([runs])
    assert len(found.records) == len(sweep) - 1
    assert [each.path for each in found.left_out] == [str(path)]
    assert words in found.left_out[0].reason
    with pytest.raises(BadInput, match="no record to report on"):
        collect([path])


def test_run_directories_without_a_record_are_counted(runs, sweep):
    (runs / "run02" / "record.json").unlink()
    found = collect([runs, runs / "run02"])
    assert found.unfinished == (str(runs / "run02"),)
    assert len(found.records) == len(sweep) - 1


def test_nothing_usable_is_refused_with_the_reason(tmp_path, runs):
    with pytest.raises(BadInput, match=r"2 problems(.|\n)*a does not(.|\n)*b does not exist"):
        collect([tmp_path / "a", runs, tmp_path / "b"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"holds no record\.json; name the folder given as --runs"):
        collect([tmp_path / "empty"])
    (tmp_path / "empty" / "config.json").write_text("{}")
    with pytest.raises(BadInput, match="is not finished"):
        collect([tmp_path / "empty"])
