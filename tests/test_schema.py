"""A check takes what JSON gives and names the place of what is not as it must be."""

from __future__ import annotations

import pytest

from bandstop.errors import BadInput
from bandstop.schema import (
    COUNT,
    FRACTION,
    LINE,
    Any_,
    Fields,
    Many,
    Maybe,
    Named,
    Number,
    OneOf,
    Text,
    Whole,
)

GOOD = [
    (Whole(1, 3), [1, 3]),
    (Number(0, 1, open=True), [0, 0.5, 0.999]),
    (FRACTION, [0, 1, 1.0]),
    (COUNT, [0, 2**62]),
    (Text(3), ["", "abc", "a\nb"]),
    (LINE, ["", "left hand"]),
    (OneOf((True, False)), [True, False]),
    (OneOf(("a", 1)), ["a", 1]),
    (Maybe(COUNT), [None, 1]),
    (Many(COUNT, 1, 2), [[1], [1, 1]]),
    (Many(COUNT, distinct=True), [[], [1, 2]]),
    (Named(COUNT, 1), [{}, {"any": 1}]),
    (Fields({"a": COUNT}, {"b": LINE}), [{"a": 1}, {"a": 1, "b": ""}]),
    (Fields({}, open=True), [{}, {"x": None}]),
    (Any_(), [None, {"a": [1]}]),
]
BAD = [
    (Whole(1, 3), [0, 4, 1.0, True, "1", None, [1], 10**400]),
    (Number(0, 1, open=True), [1, -1e-9, float("nan"), float("inf"), True, "0", None]),
    (FRACTION, [1.01, -0.01, 10**400, False]),
    (Text(3), ["abcd", 1, None, ["a"]]),
    (LINE, ["a\nb", "\ud800", "\u202e", "x" * 201, 3]),
    (OneOf((True, False)), [1, 0, 1.0, "true", None]),
    (OneOf(("a", 1)), [True, 1.0, "b", ["a"], {}]),
    (Maybe(COUNT), [0.5, "null"]),
    (Many(COUNT, 1, 2), [[], [1, 2, 3], (1,), {"0": 1}, "12", [True]]),
    (Many(COUNT, distinct=True), [[1, 1]]),
    (Named(COUNT, 1), [{"a": 1, "b": 2}, [1], {"a": None}, {"a\nb": 1}]),
    (Fields({"a": COUNT}, {"b": LINE}), [{}, {"b": ""}, {"a": 1, "c": 1}, {"a": "1"}, [], None]),
]


@pytest.mark.parametrize(("check", "values"), GOOD)
def test_what_is_as_it_must_be_passes(check, values):
    for value in values:
        check.check(value, "it")


@pytest.mark.parametrize(("check", "values"), BAD)
def test_what_is_not_as_it_must_be_is_refused_by_its_place(check, values):
    for value in values:
        with pytest.raises(BadInput, match="it") as error:
            check.check(value, "it")
        assert len(str(error.value)) < 400


def test_a_fault_deep_inside_is_named_by_its_path():
    form = Fields({"runs": Many(Fields({"rates": Many(FRACTION)}))})
    with pytest.raises(
        BadInput, match=r"^runs\[1\]\.rates\[0\] must be a number in \[0, 1\], not 2"
    ):
        form.check({"runs": [{"rates": []}, {"rates": [2]}]})


def test_a_near_miss_of_a_part_is_said():
    with pytest.raises(BadInput, match="unknown part 'bodys'; did you mean 'bodies'"):
        Fields({}, {"bodies": COUNT}).check({"bodys": 1})
