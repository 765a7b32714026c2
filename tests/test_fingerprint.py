"""Equal values have one fingerprint, values that differ in anything have two."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import SIDED, recordings

from bandstop.data import Dataset
from bandstop.data.sequence import CALLED, Fold, Sequence
from bandstop.fingerprint import encoded, fingerprint
from bandstop.record import Config, run_identity, run_name
from bandstop.skeleton import Skeleton

SEPARATORS = "|/-+=,:;'\"\\()[]{} \x00\n0123NoneTruestr"
TEXTS = st.text(st.sampled_from(SEPARATORS), max_size=6)
LEAVES = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False),
    st.binary(max_size=3),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


def typed(value: object) -> object:
    """The value such that Python's own equality tells 1, 1.0 and True apart."""
    if isinstance(value, dict):
        return "dict", {k: typed(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return "list", [typed(v) for v in value]
    return type(value).__name__, repr(value)


@given(VALUES, VALUES)
def test_two_values_have_one_print_only_if_they_are_equal(one, other):
    assert (fingerprint(one) == fingerprint(other)) == (typed(one) == typed(other))


@given(st.lists(VALUES, min_size=2, max_size=2))
def test_no_value_is_the_beginning_of_another(pair):
    one, other = (b"".join(encoded(v)) for v in pair)
    assert one == other or not (one.startswith(other) or other.startswith(one))


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_where_one_text_ends_and_the_next_begins_counts(one, other):
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


def test_arrays_count_with_shape_and_type_and_not_with_how_they_lie_in_memory():
    a = np.arange(6.0).reshape(2, 3)
    assert fingerprint(a) == fingerprint(np.asfortranarray(a))
    others = [a.reshape(3, 2), a.astype(np.float32), a + 1, a.tolist(), a.tobytes()]
    assert len({fingerprint(v) for v in [a, *others]}) == 6


def test_numpys_numbers_and_texts_are_those_of_python():
    for numpys, plain in [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.str_("a"), "a"),
        (np.True_, True),
    ]:
        assert fingerprint(numpys) == fingerprint(plain)


def test_a_lone_surrogate_has_a_print_too_and_an_unknown_kind_has_none():
    assert fingerprint("\ud800") != fingerprint("?")
    with pytest.raises(TypeError, match="no fingerprint of a set"):
        fingerprint({1, 2})


# --- data sets ------------------------------------------------------------------------------


def data(**change) -> Dataset:
    sequences = tuple(replace(s, group=f"g{i % 2}") for i, s in enumerate(recordings(7)))
    folds = (Fold("1", (0, 1, 2), (3, 4, 5)), Fold("2", (3, 4, 5), (0, 1, 2)))
    return Dataset(**{
        "name": "x", "skeleton": SIDED, "classes": ("a", "b", "c"), "sequences": sequences,
        "folds": folds,
    } | change)  # fmt: skip


def moved(times: np.ndarray | None, frames: int) -> np.ndarray:
    return np.arange(frames) ** 1.5


def first(**change) -> tuple[Sequence, ...]:
    head, *rest = data().sequences
    return (replace(head, **change), *rest)


SKELETON = {
    "name": "other", "joints": ("head", "left", "right"), "bones": ((0, 1),), "mirror": (0, 1, 2),
    "bodies": 1, "up": 2, "side": 2, "unit": "m", "source": "a page",
}  # fmt: skip
SEQUENCE = {
    "name": "other", "positions": lambda s: s.positions + np.float32(1e-3), "label": None, "group": "g9",
    "times": lambda s: moved(s.times, s.frames),
}  # fmt: skip
FOLD = {"name": "3", "train": (0, 1), "test": (4, 3, 5), "validation": (6,)}


def other_skeleton(name: str) -> Dataset:
    skeleton = replace(SIDED, **{name: SKELETON[name]})
    if name != "bodies":
        return data(skeleton=skeleton)
    half = [replace(s, positions=s.positions[:, :3]) for s in data().sequences]
    return data(skeleton=skeleton, sequences=tuple(half))


def other_sequence(name: str) -> Dataset:
    head, value = data().sequences[0], SEQUENCE[name]
    changed = first(**{name: value(head) if callable(value) else value})
    return data(sequences=changed, folds=() if name == "label" else data().folds)


def other_fold(name: str) -> Dataset:
    one, two = data().folds
    return data(folds=(replace(one, **{name: FOLD[name]}), two))


OTHERS = {
    **{f"skeleton.{n}": (other_skeleton, n) for n in SKELETON},
    **{f"sequence.{n}": (other_sequence, n) for n in SEQUENCE},
    **{f"fold.{n}": (other_fold, n) for n in FOLD},
    "classes": (lambda _: data(classes=("a", "b", "d")), ""),
    "the order of classes": (lambda _: data(classes=("b", "a", "c")), ""),
    "the order of sequences": (lambda _: data(sequences=data().sequences[::-1]), ""),
    "the order of folds": (lambda _: data(folds=data().folds[::-1]), ""),
    "no folds": (lambda _: data(folds=()), ""),
}


@pytest.mark.parametrize("what", OTHERS)
def test_data_sets_that_differ_in_one_field_have_other_prints(what):
    make, name = OTHERS[what]
    assert make(name).fingerprint != data(folds=() if name == "label" else data().folds).fingerprint


def test_every_field_has_such_a_case_or_is_named_as_one_that_no_result_depends_on():
    assert {f.name for f in fields(Skeleton)} == SKELETON.keys()
    assert {f.name for f in fields(Sequence)} == SEQUENCE.keys()
    assert {f.name for f in fields(Fold)} == FOLD.keys()
    assert {f.name for f in fields(Dataset)} == {
        "skeleton",
        "sequences",
        "folds",
        "classes",
        *CALLED,
    }


def test_where_recordings_came_from_changes_no_print():
    assert data(name="elsewhere", notes=("left out",)).fingerprint == data().fingerprint


@given(st.lists(st.text(st.sampled_from("|0N.g/"), min_size=1, max_size=3), min_size=4, max_size=4))
def test_names_and_groups_that_hold_separators_do_not_run_into_each_other(words):
    a, b, c, d = words
    one = first(name=f"{a}|{b}", group=f"{c}")
    other = first(name=f"{a}", group=f"{b}|{c}{d}")
    assert data(sequences=one).fingerprint != data(sequences=other).fingerprint


def test_a_value_with_a_new_field_has_another_print():
    @dataclass(frozen=True)
    class Newer:
        name: str
        speed: int = 0

    assert is_dataclass(Newer)
    assert fingerprint(Newer("a", 1)) != fingerprint(Newer("a", 2))


# --- names of runs --------------------------------------------------------------------------

NAMES = st.lists(
    st.text(st.sampled_from("ab+-=.0_"), min_size=1, max_size=6),
    min_size=1,
    max_size=3,
    unique=True,
)
CONFIGS = st.builds(
    lambda exempt, fold, rate, seed, noise: Config(
        exempt=tuple(exempt), fold=fold, rate=rate, seed=seed, noise=noise
    ),
    NAMES,
    st.text(st.sampled_from("1-+=a"), min_size=1, max_size=5),
    st.sampled_from([0.3, 0.1 + 0.2, 0.5]),
    st.integers(0, 2),
    st.sampled_from([0, 1, 1.0, 1e-5]),
)


@given(CONFIGS, CONFIGS)
def test_runs_have_one_name_exactly_where_they_are_the_same(one, other):
    same = run_identity(one.to_dict(), "ab") == run_identity(other.to_dict(), "ab")
    assert (run_name(one, "ab") == run_name(other, "ab")) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"exempt": ("a+b",)}, {"exempt": ("a", "b")}),
        ({"fold": "1-pmp-0.5-seed0", "rate": 0.9}, {"fold": "1", "rate": 0.5}),
        ({"rate": 0.3}, {"rate": 0.1 + 0.2}),
        ({"exempt": ("a-steps=3",)}, {"exempt": ("a",), "steps": 3}),
    ],
)
def test_options_that_read_alike_make_names_that_differ(one, other):
    assert run_name(Config(**one), "ab") != run_name(Config(**other), "ab")


def test_a_whole_number_and_the_same_with_a_point_are_one_run():
    assert run_name(Config(rotation=0), "ab") == run_name(Config(rotation=0.0), "ab")
    assert (
        Config(rate=np.float64(0.5), steps=np.int64(7)).to_dict()
        == Config(rate=0.5, steps=7).to_dict()
    )


@pytest.mark.parametrize("where", [{"device": "cuda"}, {"device": "auto"}])
@pytest.mark.parametrize("options", [{}, {"fold": "1-a"}])
def test_where_a_run_is_made_is_no_part_of_which_run_it_is(where, options):
    here, there = Config(**options), Config(**options, **where)
    assert run_name(here, "ab") == run_name(there, "ab")
    assert run_identity(here.to_dict(), "ab") == run_identity(there.to_dict(), "ab")
