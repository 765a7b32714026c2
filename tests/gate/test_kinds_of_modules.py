"""What attach, finish and detach promise on every kind of module that somebody may bring."""

from __future__ import annotations

import warnings

import kinds
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from bandstop import gate
from bandstop.errors import BadInput
from bandstop.gate import SPECS, BandStop, GateSpec, GateWarning, Ladder
from bandstop.gate.survey import LEFT_OUT
from bandstop.prune import finish

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*weight_norm.*:FutureWarning", "ignore:.*jit.*:DeprecationWarning",
    "ignore:.*torch.jit.*", "ignore:.*enable_nested_tensor.*",
)  # fmt: skip
RATE = 0.5
REFUSED = [kind for kind, row in kinds.KINDS.items() if row.refused]
LEFT = [kind for kind, row in kinds.KINDS.items() if row.left_out]
TAKEN = [kind for kind in kinds.KINDS if kind not in REFUSED]


def made(kind: str) -> tuple[nn.Module, kinds.Row]:
    row = kinds.KINDS[kind]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return row.make(), row


def attached(model: nn.Module, spec: GateSpec) -> gate.Gates:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GateWarning)
        return gate.attach(model, spec)


def a_spec(name: str) -> GateSpec:
    return Ladder(rate=RATE, seen=(0.2, RATE)) if name == "ladder" else SPECS[name](rate=RATE)


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {
        n: p for n, p in model.named_parameters() if not isinstance(p, nn.UninitializedParameter)
    }


def copied(model: nn.Module) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in weights(model).items()}


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("spec", SPECS)
def test_trained_and_finished_the_budget_is_exact_and_no_tensor_is_empty(kind, spec):
    model, row = made(kind)
    gates = attached(model, a_spec(spec))
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    steps = 20 if spec == "band-stop" else 4
    for step in range(steps):
        gates.update(step / steps)
        optimiser.zero_grad()
        out = row.call(model).double()
        (out / out.detach().abs().max()).square().mean().backward()
        if not {"tiny", "huge"} & {*kind.split()}:  # no step fits weights of such sizes
            optimiser.step()
    gates.update(1.0)
    before = copied(model)
    masks = finish(model, gates)
    total = sum(m.numel() for m in masks.values())
    assert sum(int(m.sum()) for m in masks.values()) == round((1 - RATE) * total)
    assert all(m.any() for m in masks.values())
    assert row.call(model).isfinite().all()
    after = gate.prunable(model)
    assert after.keys() == masks.keys()
    assert all((after[name][~mask] == 0).all() for name, mask in masks.items())
    assert not list(gate.gated_tensors(model))
    untouched = [n for n in weights(model) if n in before and n not in masks]
    assert all(torch.equal(weights(model)[n].detach(), before[n]) for n in untouched)


@pytest.mark.parametrize("kind", TAKEN)
def test_a_closed_gate_is_a_zero_in_every_forward(kind):
    model, row = made(kind)
    model.eval()
    gates = attached(model, BandStop(rate=RATE))
    for g in gates.tensors.values():
        g.gate.threshold.fill_(1e6)
    with torch.no_grad():
        closed = row.call(model)
        gate.bake(model, {n: torch.zeros(s) for n, s in gates.shapes.items()})
        assert torch.equal(row.call(model), closed)


@pytest.mark.parametrize("kind", TAKEN)
def test_detaching_gives_the_very_same_parameters_back(kind):
    model, row = made(kind)
    model.eval()
    before = dict(model.named_parameters(remove_duplicate=False))
    expected, types = row.call(model), [type(m) for m in model.modules()]
    attached(model, BandStop(rate=RATE)).update(0.5)
    gate.detach(model)
    after = dict(model.named_parameters(remove_duplicate=False))
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    assert [type(m) for m in model.modules()] == types
    assert torch.equal(row.call(model), expected)


@pytest.mark.parametrize("kind", TAKEN)
def test_what_is_left_out_is_named_with_its_reason_and_counts_nowhere(kind):
    model, row = made(kind)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        gates = gate.attach(model, BandStop(rate=RATE))
    ours = [str(w.message) for w in said if issubclass(w.category, GateWarning)]
    assert gates.left_out.keys() == row.left_out.keys()
    for name, word in row.left_out.items():
        assert word in gates.left_out[name]
        assert any(f"`{name}`" in words and word in words for words in ours)
    if not row.left_out:
        assert not any("left out" in words for words in ours)
    assert not gates.left_out.keys() & (gates.tensors.keys() | gates.shapes.keys())
    assert gates.weights == sum(torch.Size(s).numel() for s in gates.shapes.values())


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_ready_is_refused_in_one_sentence_and_nothing_is_changed(kind):
    model, row = made(kind)
    before = dict(model.named_parameters())
    with pytest.raises(BadInput, match=row.refused) as error:
        gate.attach(model, BandStop(rate=RATE))
    assert "\n" not in str(error.value)
    assert all(p is before[n] for n, p in model.named_parameters())
    assert not any(isinstance(m, gate.Gate) for m in model.modules())


def test_every_reason_to_leave_out_is_a_row_of_the_table():
    found = {
        why
        for kind in LEFT
        for why in attached(made(kind)[0], BandStop(rate=RATE)).left_out.values()
    }
    for words, _ in LEFT_OUT:
        word = words.partition("{")[2].partition("}")[2] or words
        assert any(word in why for why in found), words


def test_a_budget_that_cannot_be_met_says_what_does_not_count():
    model, _ = made("a frozen layer")
    with pytest.raises(
        BadInput, match=r"unreachable.*not in the budget's total: `2.weight` \(frozen"
    ):
        gate.attach(model, BandStop(rate=0.9, exempt=("0.weight",)))


def test_a_pattern_for_what_is_left_out_says_why_there_is_no_such_tensor():
    model, _ = made("a frozen layer")
    with pytest.raises(
        BadInput, match=r"no prunable tensor is named '2.weight'.*`2.weight` \(frozen"
    ):
        gate.attach(model, BandStop(rate=0.5, exempt=("2.weight",)))


@pytest.mark.parametrize("act", [gate.fix, gate.bake])
def test_a_mask_for_what_is_left_out_is_refused_with_the_reason(act):
    model, _ = made("a frozen layer")
    before = copied(model)
    with pytest.raises(BadInput, match=r"'2.weight'; frozen"):
        act(model, {"2.weight": torch.zeros(6, 6)})
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters())


class Final(nn.Linear):
    """A class that cannot be derived from, and so not parametrized."""

    def __init_subclass__(cls) -> None:
        raise TypeError("a final class")


class Sealed(nn.Linear):
    """A module that gives nothing away."""

    def __delattr__(self, name: str) -> None:
        raise RuntimeError("sealed")


@pytest.mark.parametrize("odd", [Final, Sealed])
def test_a_module_that_no_gate_can_be_put_on_is_refused_and_all_is_as_before(odd):
    model = nn.Sequential(nn.Linear(6, 6), odd(6, 6))
    before, x = dict(model.named_parameters()), torch.randn(3, 6)
    expected = model(x)
    with pytest.raises(BadInput, match=r"`1.weight` cannot bear a gate .*exempt it"):
        gate.attach(model, BandStop(rate=0.5))
    after = dict(model.named_parameters())
    assert after.keys() == before.keys()
    assert all(after[n] is before[n] for n in before)
    assert not any(parametrize.is_parametrized(m) for m in model.modules())
    assert torch.equal(model(x), expected)
    gate.attach(model, BandStop(rate=0.3, exempt=("1.weight",)))


def test_warnings_that_are_errors_stop_attach_before_anything_is_changed():
    model, _ = made("a frozen layer")
    with warnings.catch_warnings():
        warnings.simplefilter("error", GateWarning)
        with pytest.raises(GateWarning):
            gate.attach(model, BandStop(rate=0.5))
    assert not list(gate.gated_tensors(model))
