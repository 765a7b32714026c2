"""What a skeleton cannot have is refused where somebody asks for it, with what it can have."""

from __future__ import annotations

import pytest

from bandstop.data import load
from bandstop.errors import BadInput
from bandstop.job import check
from bandstop.record import Config


@pytest.mark.parametrize(
    ("option", "needs"),
    [("exchange", "a second body"), ("mirror", "joints on a left and a right side")],
)
def test_a_hand_has_no_second_body_and_no_other_side(option, needs):
    hands, people = load("synthetic:gestures"), load("synthetic:interactions")
    said = f"{option} needs {needs}, and skeleton hand21 has none; leave it out; what it can have: rota"
    with pytest.raises(BadInput) as error:
        check(Config(data="synthetic:gestures", **{option: 0.3}), hands)
    assert said in str(error.value)
    check(Config(**{option: 0.3}), people)


def test_defaults_and_nothing_asked_for_serve_every_skeleton():
    hands = load("synthetic:gestures")
    check(Config(data="synthetic:gestures"), hands)
    check(Config(data="synthetic:gestures", exchange=0.0, mirror=0.0), hands)


def test_both_are_named_at_once():
    with pytest.raises(BadInput) as error:
        check(
            Config(data="synthetic:gestures", exchange=0.3, mirror=0.3), load("synthetic:gestures")
        )
    assert "exchange needs" in str(error.value)
    assert "mirror needs" in str(error.value)
