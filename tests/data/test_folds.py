"""Words in a column `split`: sides in any spelling, names of folds, and nothing in between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandstop.data import Sequence
from bandstop.data.folds import add_folds, split_folds, split_of
from bandstop.data.scan import Scan
from bandstop.data.sequence import Dataset, Fold
from bandstop.data.words import SIDES, side_of
from bandstop.errors import BadInput
from bandstop.skeleton import Skeleton

ONE = Skeleton("one", ("a", "b"), ((0, 1),), (0, 1))
CASES = [str.lower, str.upper, str.capitalize]
WORDS = [(side, word) for side, words in SIDES.items() for word in words]
FORMS = ["{}", "{}_{{}}", "{}-{{}}", "{} {{}}", "{}/{{}}", "{}.{{}}"]


def sequences(count: int, label: int | None = 0) -> list[Sequence]:
    random = np.random.default_rng(0)
    return [Sequence(f"s{i}", random.normal(size=(3, 2, 3)), label) for i in range(count)]


def folds(*split: str) -> tuple[Fold, ...]:
    return split_folds(sequences(len(split)), split)[0]


def scanned(*split: str) -> Scan:
    found = Scan("x", ONE, ("rest", "lift"), sequences(len(split)))
    add_folds(found, split)
    return found


@pytest.mark.parametrize(("side", "word"), WORDS)
@given(
    case=st.sampled_from(CASES),
    name=st.sampled_from(["", "xsub", "xview", "s01s02", "fold 2", "1", "ntu60"]),
    glue=st.sampled_from(["_", "-", " ", "/", ".", ""]),
    before=st.booleans(),
)
def test_a_side_is_known_in_any_case_with_any_name_beside_it(side, word, case, name, glue, before):
    written = case(word)
    if name and (glue or before):  # a side glued to letters that follow it is another word
        glue = glue or "_"
        written = f"{name}{glue}{written}" if before else f"{written}{glue}{name}"
    else:
        name = ""
    assert side_of(written) == (side, name)


def test_a_side_may_be_joined_by_a_capital_or_a_digit():
    assert side_of("xsubTrain") == ("train", "xsub")
    assert side_of("train2") == ("train", "2")
    assert side_of("Test set") == ("test", "")


@pytest.mark.parametrize(
    "word", ["s01s02", "ann", "valerie", "contest", "protest", "devon", "2", "å"]
)
def test_words_that_only_hold_the_letters_of_a_side_are_names(word):
    assert side_of(word) == (None, word)


@pytest.mark.parametrize(
    "word", ["trainval", "train_test", "val-train", "tester", "Trainer", "testset2val"]
)
def test_words_that_say_no_one_side_clearly_are_refused(word):
    with pytest.raises(BadInput, match="says neither train nor test nor validation clearly"):
        side_of(word)
    assert "clearly" in scanned("train", word).problems[0]


@pytest.mark.parametrize("train", ["train", "Train", "TRAINING", "xsub_train", "xsub-Training"])
@pytest.mark.parametrize(
    "test", ["test", "Testing", "xsub_test", "val", "xsub_val", "xsub.Validation"]
)
def test_one_of_two_sides_trains_and_the_other_tests_never_the_reverse(train, test):
    """Whatever the words: nothing of the second is ever trained on."""
    if ("xsub" in train) != ("xsub" in test):
        with pytest.raises(BadInput, match="nothing to train on"):
            folds(train, test, train)
        return
    (fold,) = folds(train, test, train)
    assert fold.name == ("xsub" if "xsub" in train else "1")
    assert (fold.train, fold.test, fold.validation) == ((0, 2), (1,), ())


def test_a_validation_part_in_place_of_a_test_part_is_said():
    found = scanned("xsub_train", "xsub_val", "xsub_train")
    assert found.notes == ["fold xsub has no test part: it is tested on its validation part"]
    assert found.problems == []


def test_a_validation_part_beside_a_test_part_is_held_out_and_neither_trains_nor_tests():
    found = scanned("train", "Val", "test", "train")
    assert [(f.train, f.test, f.validation) for f in found.folds] == [((0, 3), (2,), (1,))]
    assert "1 sequences are held out to validate" in found.notes[0]
    assert not any("there is no split" in note for note in found.notes)


def test_each_name_beside_the_sides_is_a_fold_of_its_own():
    found = scanned("a_train", "A_test", "b_train", "b_val", "-")
    assert [(f.name, f.train, f.test) for f in found.folds] == [
        ("a", (0,), (1,)),
        ("b", (2,), (3,)),
    ]


def test_where_all_are_trained_on_there_is_no_fold_and_no_problem():
    found = scanned("train", "train", "-")
    assert (found.folds, found.problems) == ((), [])
    assert "train on everybody with fold none" in found.notes[0]
    assert found.dataset().fold("none").train == (0, 1, 2)


@pytest.mark.parametrize("split", [("test", "test"), ("val", "val"), ("val", "test")])
def test_without_a_training_part_there_is_nothing_to_do(split):
    assert "nothing to train on" in scanned(*split).problems[0]


@pytest.mark.parametrize("split", [("train", "test", "ann"), ("train", "ann"), ("xsub_val", "ann")])
def test_sides_and_names_of_folds_do_not_go_together(split):
    assert "no other word" in scanned(*split).problems[0]


SETS = st.lists(st.sampled_from(["train", "test", "val", "-"]), min_size=2, max_size=12)


@given(SETS, st.sampled_from(["1", "xsub", "view 2", "s01"]))
def test_a_column_made_from_a_fold_gives_the_fold_again(sides, name):
    parts = {s: tuple(i for i, x in enumerate(sides) if x == s) for s in ("train", "test", "val")}
    if not parts["train"] or not parts["test"]:
        return
    fold = Fold(name, parts["train"], parts["test"], parts["val"])
    data = Dataset("x", ONE, ("rest",), tuple(sequences(len(sides))), (fold,))
    assert split_folds(data.sequences, split_of(data))[0] == (fold,)


def test_a_sequence_is_on_one_side_only():
    for sides in [((0,), (0,), ()), ((0,), (1,), (0,)), ((0,), (1,), (1,))]:
        with pytest.raises(BadInput, match="are in both"):
            Fold("1", *sides)
