"""Small files that ask for much, and wrong things that were taken for right: one of each kind."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import resource
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from making import SIDED, recordings

from bandstop.data.folds import split_folds
from bandstop.data.formats import csv_folder, fpha, npz
from bandstop.data.formats.arrays import PLAIN, read_npy, read_npz
from bandstop.data.formats.csv_folder import header_of, read_sequence, write_csv
from bandstop.data.formats.fpha import POSES, SPLIT
from bandstop.data.formats.npz import skeleton_from
from bandstop.data.formats.single import read_one
from bandstop.data.sequence import Dataset, Fold
from bandstop.errors import BadInput
from bandstop.skeleton import Skeleton
from bandstop.skeleton.layouts import SBU
from bandstop.skeleton.skeleton import BODIES, JOINTS, _no_forest
from bandstop.sweep import parse_seeds

MIB = 2**20


@contextlib.contextmanager
def within(more: int) -> Iterator[None]:
    """No more than so many bytes of memory beyond what the process has now."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_the_limit_of_these_tests_holds():
    with within(64 * MIB), pytest.raises(MemoryError):
        np.ones(256 * MIB, np.uint8)
    with within(64 * MIB), pytest.raises(RuntimeError, match="memory"):
        torch.ones(256 * MIB, dtype=torch.uint8)


# --- skeletons ----------------------------------------------------------------------------------


def body(**changes: object) -> dict:
    return SIDED.to_dict() | changes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bodies": 10**8}, "bodies must be a whole number from 1 to 100"),
        ({"bodies": 2.0}, "bodies must be a whole number"),
        ({"bodies": True}, "bodies must be a whole number"),
        ({"bodies": "2"}, "bodies must be a whole number"),
        ({"up": 1.0}, "up must be a whole number"),
        ({"joints": [f"j{n}" for n in range(50_000)]}, "joints must have 0 to 1000 items"),
        ({"joints": "abc"}, "joints must be a list"),
        ({"joints": ["a", 1, "c"]}, r"joints\[1\] must be a text"),
        ({"joints": {"a": 1}}, "joints must be a list"),
        ({"bones": [[0, 1], [0, 2.0]]}, r"bones\[1\]\[1\] must be a whole number"),
        ({"bones": [[0, 1, 2]]}, r"bones\[0\] must have 2 to 2 items"),
        ({"bones": [[0, 1], [0, 1]]}, "joint 1 has two parents, 0 and 0"),
        ({"bones": [[0, 1], [1, 0]]}, "in a circle"),
        ({"bones": [[2, 2]]}, "in a circle"),
        ({"bones": [[0, 3]]}, r"bone 0-3 names a joint outside 0\.\.2"),
        ({"bones": [[0, -1]]}, "must be a whole number from 0"),
        ({"mirror": [0, 1.0, 2]}, r"mirror\[1\] must be a whole number"),
        ({"mirror": [1, 2, 0]}, "its own inverse"),
        ({"name": None}, "name must be a text"),
        ({"bodys": 2}, "unknown part 'bodys'; did you mean 'bodies'"),
    ],
)
def test_a_skeleton_of_wrong_types_sizes_or_bones_is_refused_by_its_field(change, words):
    with within(64 * MIB), pytest.raises(BadInput, match=words):
        skeleton_from(json.dumps(body(**change)))


def test_a_skeleton_made_in_python_has_the_same_limits():
    with within(64 * MIB), pytest.raises(BadInput, match="10000000000 bodies"):
        Skeleton("x", ("a",), (), (0,), bodies=10**10)
    many = tuple(map(str, range(JOINTS + 1)))
    with pytest.raises(BadInput, match=f"{JOINTS + 1} joints"):
        Skeleton("x", many, (), tuple(range(JOINTS + 1)))
    largest = Skeleton("x", many[:JOINTS], (), tuple(range(JOINTS)), bodies=BODIES)
    assert largest.nodes == JOINTS * BODIES


@pytest.mark.parametrize("turn", [1, -1])
def test_a_chain_of_50_000_joints_is_checked_in_linear_time(turn):
    """Quadratic it took half a minute and more."""
    count = 50_000
    chain = tuple((n, n + 1) for n in range(count - 1))[::turn]
    assert _no_forest(chain, count) == ""
    assert "in a circle" in _no_forest((*chain, (count - 1, 0)), count)


@given(st.integers(1, 8), st.data())
def test_bones_are_a_forest_exactly_where_every_joint_leads_to_a_root(count, data):
    joint = st.integers(0, count - 1)
    bones = tuple(data.draw(st.lists(st.tuples(joint, joint), max_size=10)))
    children = [child for _, child in bones]
    parent = {child: a for a, child in bones}

    def ends(at: int) -> bool:
        for _ in range(count):
            if at not in parent:
                return True
            at = parent[at]
        return at not in parent

    forest = len(set(children)) == len(children) and all(map(ends, range(count)))
    assert (_no_forest(bones, count) == "") == forest


# --- lists and folders --------------------------------------------------------------------------


def official(folder: Path, labels: list[str]) -> Path:
    """An FPHA folder of two takes, with these labels in the official list."""
    for n, _ in enumerate(labels, start=1):
        take = folder / POSES / f"Subject_1/action{n}/1"
        take.mkdir(parents=True)
        (take / "skeleton.txt").write_text(f"{' '.join(['1'] * 64)}\n" * 2)
    lines = [f"Subject_1/action{n}/1 {label}" for n, label in enumerate(labels, start=1)]
    half = len(lines) // 2
    text = ["Training " + str(half), *lines[:half], f"Test {len(lines) - half}", *lines[half:]]
    (folder / SPLIT).write_text("\n".join(text) + "\n")
    return folder


@pytest.mark.parametrize("label", ["100000000", "999999999", "2"])
def test_a_label_beyond_the_number_of_actions_is_refused_without_memory_for_it(label, tmp_path):
    with within(64 * MIB):
        found = fpha.scan(official(tmp_path, ["0", label]))
    assert "names 2 actions, so labels must run from 0 to 1, and 1 is missing" in found.problems[0]


@pytest.mark.parametrize("label", ["1_0", "٣", "9" * 5000, "-1", "1.0", "0x1"])
def test_a_label_that_is_no_plain_number_is_a_problem(label, tmp_path):
    assert "is neither" in fpha.scan(official(tmp_path, ["0", label])).problems[0]


def test_a_path_in_the_official_list_stays_in_its_folder(tmp_path):
    official(tmp_path, ["0", "1"])
    path = tmp_path / SPLIT
    path.write_text(path.read_text().replace("Subject_1/action1/1", "Subject_1/../.."))
    assert "is neither" in fpha.scan(tmp_path).problems[0]


def test_a_recording_named_on_many_lines_is_read_once(tmp_path):
    sequences = tuple(recordings(2))
    write_csv(Dataset("own", SIDED, ("a", "b", "c"), sequences, ()), tmp_path / "own")
    index = tmp_path / "own" / "index.csv"
    rows = ["file,label,name", *(f"1.csv,a,n{n}" for n in range(40_000)), "./1.csv,a,other"]
    index.write_text("\n".join(rows))
    found = csv_folder.scan(tmp_path / "own")
    assert len(found.sequences) == 1
    assert "line 3: line 2 names '1.csv' already" in found.problems[0]
    assert len(found.problems) == 40_000


def test_a_fold_for_every_one_of_many_sequences_is_refused_without_memory_for_it():
    few = recordings(1) * 20_000
    with within(64 * MIB), pytest.raises(BadInput, match="split names 20000 folds"):
        split_folds(few, [str(n) for n in range(20_000)])


@pytest.mark.parametrize("columns", [10, 100_000])
def test_a_header_of_any_length_is_refused_at_once(columns, tmp_path):
    large = Skeleton("x", tuple(map(str, range(JOINTS))), (), tuple(range(JOINTS)), bodies=BODIES)
    wanted = header_of(large)
    path = tmp_path / "a.csv"
    for header in (wanted[:-1], [*wanted, wanted[-1]], [f"c{n}" for n in range(columns)]):
        path.write_text(",".join(header) + "\n1,2\n")
        with pytest.raises(BadInput, match=r"a\.csv, line 1"):
            read_sequence(path, large, "a")


def test_short_lines_under_a_long_header_ask_for_no_memory(tmp_path):
    """20 KB of them would have been 24 GB of numbers."""
    large = Skeleton("x", tuple(map(str, range(JOINTS))), (), tuple(range(JOINTS)), bodies=BODIES)
    (tmp_path / "a.csv").write_text(",".join(header_of(large)) + "\n" + "1\n" * 10_000)
    with (
        within(256 * MIB),
        pytest.raises(BadInput, match="a frame has 300001 fields and this line"),
    ):
        read_sequence(tmp_path / "a.csv", large, "a")


@pytest.mark.parametrize("line", ["x" * 200_000, '"' + "x" * 200_000, "a\x00b", "," * 200_000])
@pytest.mark.parametrize("name", ["index.csv", "1.csv"])
def test_what_the_csv_parser_refuses_is_a_sentence(line, name, tmp_path):
    write_csv(Dataset("own", SIDED, ("a", "b", "c"), tuple(recordings(2)), ()), tmp_path / "own")
    (tmp_path / "own" / name).write_text(f"{line}\n1,2\n")
    with contextlib.suppress(BadInput):
        found = csv_folder.scan(tmp_path / "own")
        assert name in found.problems[0]
        assert len(found.problems[0]) < 1000
    with pytest.raises(csv.Error):
        next(csv.reader(io.StringIO("x" * 200_000)))


@pytest.mark.parametrize("text", ["0-999999999999999999", "0-10000", "1_0", "٣", "0-" + "9" * 5000])
def test_seeds_are_few_and_plain_numbers(text):
    with within(64 * MIB), pytest.raises(BadInput, match="seeds"):
        parse_seeds(text)


# --- arrays -------------------------------------------------------------------------------------


def archive(path: Path, **changes: object) -> Path:
    sequences = recordings(3)
    values = {
        "positions": np.concatenate([s.positions for s in sequences]),
        "lengths": [s.frames for s in sequences],
        "labels": ["a", "b", "a"],
        "skeleton_json": json.dumps(SIDED.to_dict()),
    }
    np.savez(path, **values | changes)
    return path


def npy_of(shape: str, descr: str = "'<f4'", data: bytes = b"") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


@pytest.mark.parametrize("packed", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_packed_as_numpy_does_not_is_refused(packed, tmp_path):
    """Their unpacking may ask for gigabytes of its own."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w", packed) as made:
        made.writestr("positions.npy", npy_of("(1,)", data=bytes(4)))
    with pytest.raises(BadInput, match="packed or encrypted as numpy does not"):
        read_npz(tmp_path / "a.npz")


def test_an_archive_that_grows_beyond_measure_is_refused_before_it_does(tmp_path):
    """One of 19 MB grew to 4.3 GiB."""
    path, size = tmp_path / "bomb.npz", 2 * PLAIN
    deflated = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w", deflated) as made, made.open("positions.npy", "w") as member:
        member.write(npy_of(f"({size // 72}, 6, 3)"))
        for _ in range(size // MIB):
            member.write(bytes(MIB))
    assert path.stat().st_size < 2 * MIB
    for reader in (npz.scan, read_npz, lambda p: read_one(p, SIDED)):
        with within(64 * MIB), pytest.raises(BadInput, match="would grow to"):
            reader(path)


def test_an_archive_of_real_size_may_be_packed(tmp_path):
    positions = np.random.default_rng(0).normal(size=(2000, 6, 3)).astype(np.float32)
    positions[:, 3:] = 0  # an absent body
    np.savez_compressed(tmp_path / "a.npz", positions=positions)
    assert np.array_equal(read_npz(tmp_path / "a.npz")["positions"], positions)


HEADERS = {
    "a shape beyond memory": npy_of("(4611686018427387904, 6, 3)"),
    "a shape whose size overflows": npy_of("(4294967296, 4294967296)"),
    "a negative shape": npy_of("(-1, 3)"),
    "a shape of no numbers": npy_of("('a',)"),
    "a shape of truth values": npy_of("(True, True)", data=bytes(4)),
    "a shape of floats": npy_of("(1.0,)"),
    "no tuple": npy_of("3"),
    "texts of no length": npy_of("(1000000000,)", "'<U0'"),
    "objects": npy_of("(1,)", "'|O'"),
    "a structure": npy_of("(1,)", "[('a', '<f4')]"),
    "arrays in arrays": npy_of("(1,)", "'(1000,1000)f4'"),
    "brackets without end": npy_of("(" * 100),
    "many brackets": b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"(" * 9000,
    "a string without end": npy_of("'"),
    "code": npy_of("__import__('os').system('true')"),
    "a header cut short": b"\x93NUMPY\x01\x00\xff\xff{",
    "a giant header": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
    "version 3": b"\x93NUMPY\x03\x00" + npy_of("(1,)")[8:],
    "version 9": b"\x93NUMPY\x09\x00",
    "no characters": npy_of("(1,)", "'<U1'", b"\xff\xff\xff\x7f"),
    "half a character": npy_of("(1,)", "'<U1'", b"\x00\xd8\x00\x00"),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_an_array_with_a_broken_header_is_refused_alone_and_in_an_archive(kind, tmp_path):
    (tmp_path / "a.npy").write_bytes(HEADERS[kind])
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as made:
        made.writestr("positions.npy", HEADERS[kind])
    for reader, name in [(read_npy, "a.npy"), (read_npz, "a.npz"), (npz.scan, "a.npz")]:
        with within(128 * MIB), pytest.raises(BadInput, match=name) as error:
            reader(tmp_path / name)
        assert len(str(error.value)) < 400


@pytest.mark.parametrize("name", ["positions.npy", "x.txt", "a" * 60_000 + ".npy", "../x.npy"])
def test_an_archive_with_a_member_twice_or_of_another_kind_is_refused(name, tmp_path):
    path = archive(tmp_path / "a.npz")
    warned = pytest.warns() if name == "positions.npy" else contextlib.nullcontext()
    with warned, zipfile.ZipFile(path, "a") as made:
        made.writestr(name, npy_of("(1,)", data=bytes(4)))
    with pytest.raises(BadInput, match=r"a\.npz") as error:
        npz.scan(path)
    assert len(str(error.value)) < 1000


FRAMES = sum(s.frames for s in recordings(3))
WIDE = st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])


@settings(max_examples=200)
@given(WIDE, st.data())
def test_lengths_are_taken_exactly_where_they_add_up_without_overflow(tmp_path_factory, kind, data):
    """2^63 + 2^63 + 60 is 60 in 64 bits: two sequences were read out of 60 frames."""
    low, high = (int(v) for v in (np.iinfo(kind).min, np.iinfo(kind).max))
    some = st.integers(low, high) | st.sampled_from([2, 3, FRAMES - 5])
    a, b = data.draw(some), data.draw(some)
    wrapped = (FRAMES - a - b) % 2 ** (8 * np.dtype(kind).itemsize)
    c = wrapped if low <= wrapped <= high else wrapped - 2 ** (8 * np.dtype(kind).itemsize)
    lengths = [a, b, c]
    if not all(low <= n <= high for n in lengths):
        return
    path = archive(tmp_path_factory.getbasetemp() / "l.npz", lengths=np.array(lengths, dtype=kind))
    right = sum(lengths) == FRAMES and min(lengths) >= 0
    if right:
        found = npz.scan(path)
        short = sum(n < 2 for n in lengths)
        assert len(found.problems) == short
        assert [s.frames for s in found.sequences] == [n for n in lengths if n >= 2]
    else:
        with pytest.raises(BadInput, match=r"add up to|cannot be negative"):
            npz.scan(path)


def test_a_data_set_has_a_limit_of_classes():
    many = tuple(map(str, range(10_001)))
    with pytest.raises(BadInput, match="10001 classes, and 10000 can be told apart"):
        Dataset("x", SIDED, many, tuple(recordings(3)), (Fold("1", (0,), (1,)),))


# --- text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("1_0", "'1_0' is not a number"),
        ("٣", "is not a number"),
        ("0x1p3", "is not a number"),
        ("1e999", "'1e999' is not finite"),
        ("-Infinity", "'-Infinity' is not finite"),
        ("NaN", "'NaN' is not finite"),
        ("1\u2003", "is not a number"),
        ("", "'' is not a number"),
        ("1.2.3", "is not a number"),
    ],
)
def test_a_field_that_is_no_plain_number_is_refused_by_line_and_field(field, words, tmp_path):
    rows = [[f"{0.01 * n:.2f}" for n in range(91)] for _ in range(2000)]
    rows[1500][7] = field
    path = tmp_path / "skeleton_pos.txt"
    path.write_text("\n".join(",".join(row) for row in rows))
    with pytest.raises(BadInput, match=rf"line 1501, field 8: .*{words}|{words}") as error:
        read_one(path, SBU)
    assert "line 1501" in str(error.value)
