"""Gates know their model: what happens to either afterwards, and what is handed to them."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from making import model
from torch import nn
from torch.nn.utils import parametrizations

from bandstop import gate
from bandstop.errors import BadInput
from bandstop.gate import BandStop
from bandstop.prune import finish

RATE = 0.5


def pair(name: str = "nested") -> tuple[nn.Module, gate.Gates, torch.Tensor]:
    net, x = model(name)
    gates = gate.attach(net, BandStop(rate=RATE))
    gates.update(0.7)
    return net, gates, x


def kept(net: nn.Module) -> int:
    return sum(int((t != 0).sum()) for t in gate.prunable(net).values())


# --- gates of another model -----------------------------------------------------------------


def a_copy(net, gates):
    return copy.deepcopy(net)


def another(net, gates):
    return pair()[0]


def plain(net, gates):
    return model("nested")[0]


def finished(net, gates):
    finish(net, gates)
    return net


def baked(net, gates):
    gate.bake(net)
    return net


def detached(net, gates):
    gate.detach(net)
    return net


def fixed(net, gates):
    gate.fix(net, {n: torch.ones(s) for n, s in gates.shapes.items()})
    return net


def exchanged(net, gates):
    net.blocks["a"][0] = nn.Linear(6, 6)
    return net


def with_another_beside(net, gates):
    return nn.ModuleList([net, pair()[0]])


def a_part(net, gates):
    return net.blocks


OTHERS = {
    a_copy: "a copy perhaps",
    another: "a copy perhaps",
    plain: "bears no gates",
    finished: "bears no gates",
    baked: "bears no gates",
    detached: "bears no gates",
    fixed: r"fixed already.*gate\.bake\(model\)",
    exchanged: "`blocks.a.0.weight` of this model was exchanged",
    with_another_beside: "bears others too",
    a_part: "`mixing` of this model was exchanged",
}


@pytest.mark.parametrize("other", OTHERS)
def test_gates_that_are_not_this_models_are_refused_in_one_sentence_and_nothing_is_changed(other):
    net, gates, _ = pair()
    target = other(net, gates)
    before = {n: p.detach().clone() for n, p in target.named_parameters()}
    with pytest.raises(BadInput, match=OTHERS[other]) as error:
        finish(target, gates)
    assert str(error.value).startswith("these gates are not this model's: ")
    assert "\n" not in str(error.value)
    assert all(torch.equal(p, before[n]) for n, p in target.named_parameters())


@pytest.mark.parametrize("gone", [finished, baked, detached, fixed])
def test_gates_that_are_gone_are_not_updated_or_read(gone):
    net, gates, _ = pair()
    gone(net, gates)
    for use in (
        lambda: gates.update(0.5),
        gates.scores,
        gates.observed_rate,
        lambda: gates.latents,
    ):
        with pytest.raises(BadInput, match="`mixing` bears this gate no more"):
            use()


@pytest.mark.parametrize(
    "wrap", [nn.DataParallel, nn.Sequential, lambda m: nn.ModuleDict({"a": m})]
)
def test_a_model_that_was_wrapped_since_is_still_theirs(wrap):
    net, gates, _ = pair()
    masks = finish(wrap(net), gates)
    assert masks.keys() == gates.shapes.keys()
    assert kept(net) == round((1 - RATE) * gates.weights)


def test_model_and_gates_copied_at_once_are_a_pair_of_their_own():
    net, gates, x = pair()
    twin, its = copy.deepcopy((net, gates))
    its.update(1.0)
    finish(twin, its)
    assert kept(twin) == round((1 - RATE) * its.weights)
    gates.update(0.9)
    assert torch.equal(net(x), net(x))
    finish(net, gates)


@pytest.mark.parametrize("act", [gate.detach, gate.bake, finish])
def test_a_copy_that_was_kept_goes_on_whatever_becomes_of_the_original(act):
    net, gates, x = pair()
    kept_copy, expected = copy.deepcopy(net), net(x)
    act(*(net, gates) if act is finish else (net,))
    net(x)
    assert torch.equal(kept_copy(x), expected)
    gate.bake(kept_copy)
    kept_copy(x)
    assert type(kept_copy) is type(net)


def test_a_copy_of_a_gated_model_bears_gates_and_is_not_attached_to_again():
    net, _, _ = pair()
    with pytest.raises(BadInput, match="bears gates already"):
        gate.attach(copy.deepcopy(net), BandStop(rate=0.5))


def test_weights_that_loading_put_in_place_are_the_ones_that_are_judged_and_baked():
    net, gates, x = pair()
    other, _, _ = pair()
    with torch.no_grad():
        for g in gate.gated_tensors(other):
            g.latent.copy_(torch.randn(g.latent.shape))
    net.load_state_dict(other.state_dict(), assign=True)
    gates.update(1.0)
    assert gates.observed_rate() == pytest.approx(RATE, abs=0.01)
    latents = {n: g.latent.detach().clone() for n, g in gates.tensors.items()}
    masks = finish(net, gates)
    after = gate.prunable(net)
    assert all(torch.equal(after[n], latents[n] * masks[n]) for n in masks)
    assert net(x).isfinite().all()


def test_a_shared_weight_that_loading_made_two_is_refused():
    net, gates, _ = pair("tied")
    net.load_state_dict({k: v.clone() for k, v in net.state_dict().items()}, assign=True)
    with pytest.raises(BadInput, match="shared is two now"):
        finish(net, gates)


def test_a_parametrization_put_on_top_of_a_gate_must_be_taken_off_first():
    net, gates, _ = pair()
    parametrizations.spectral_norm(net.blocks["a"][0])
    for act in (gate.detach, gate.bake, lambda m: finish(m, gates)):
        with pytest.raises(BadInput, match=r"put on `blocks\.a\.0\.weight` after its gate"):
            act(net)
    assert len(list(gate.gated_tensors(net))) == len(gates.tensors)


@pytest.mark.parametrize("act", [gate.fix, gate.bake])
def test_a_gated_tensor_without_a_mask_is_named_and_the_gates_stay(act):
    net, gates, _ = pair()
    masks = {n: torch.ones(s) for n, s in gates.shapes.items()}
    del masks["mixing"]
    with pytest.raises(BadInput, match="no mask for `mixing`"):
        act(net, masks)
    assert len(list(gate.gated_tensors(net))) == len(gates.tensors)


def test_a_model_that_was_frozen_after_training_is_finished_all_the_same():
    net, gates, _ = pair()
    net.requires_grad_(False)
    finish(net, gates)
    net.requires_grad_(True)
    assert kept(net) == round((1 - RATE) * gates.weights)


def test_a_tensor_that_is_thawed_after_attaching_changes_no_budget():
    net, _ = model("nested")
    net.mixing.requires_grad_(False)
    with pytest.warns(gate.GateWarning, match="`mixing`"):
        gates = gate.attach(net, BandStop(rate=RATE))
    net.requires_grad_(True)
    masks = finish(net, gates)
    assert "mixing" not in masks
    assert (net.mixing != 0).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["mixing", "norm.bias"])
def test_what_training_left_not_finite_is_named_and_nothing_is_changed(bad, where):
    net, gates, _ = pair()
    tensor = gates.tensors[where].latent if where in gates.tensors else net.norm.bias
    with torch.no_grad():
        tensor.view(-1)[:2] = bad
    with pytest.raises(
        BadInput, match=rf"left 2 of {tensor.numel()} values of `{where}` NaN or inf"
    ):
        finish(net, gates)
    assert len(list(gate.gated_tensors(net))) == len(gates.tensors)


# --- what is handed in ----------------------------------------------------------------------


@pytest.mark.parametrize("progress", [1.1, -0.1, 2, 57, -1, 1e300, math.nan, math.inf, -math.inf])
def test_a_progress_outside_0_to_1_is_refused_by_value_with_the_remedy(progress):
    net, gates, x = pair()
    before = net(x)
    with pytest.raises(BadInput, match=r"in \[0, 1\], not .*give it step / steps") as error:
        gates.update(progress)
    assert repr(progress) in str(error.value)
    assert torch.equal(net(x), before)


def test_the_ends_numpys_numbers_and_what_was_added_up_are_taken():
    _, gates, _ = pair()
    for progress in (0, 1, 0.0, 1.0, np.float64(0.3), sum([0.1] * 10), 1 + 1e-9):
        gates.update(progress)


SCRIPT = """
import json, sys
import numpy, torch
from torch import nn
import bandstop as bs
from bandstop import gate
from bandstop.budget import Budget

net = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 3))
good, bad = [], []

def said(words, call):
    try:
        call()
    except bs.BadInput as error:
        bad.append([words, str(error)])
    else:
        good.append(words)

odd = [None, "0.5", True, [0.5], torch.tensor(0.5), 1j, numpy.array([0.6, 0.5]), {}, 10**400]
for value in odd:
    for name, spec in gate.SPECS.items():
        said(f"{name} rate {value!r}", lambda: spec(rate=value))
        for field in ("sigma", "warmup", "scope", "exempt", "rates", "scale"):
            if (field, type(value)) not in (('rates', dict), ('exempt', str)):
                said(f"{name} {field} {value!r}", lambda: spec(rate=0.5, **{field: value}))
    said(f"rates {value!r}", lambda: bs.BandStop(rate=0.5, rates={"0.weight": value}))
    said(f"sigma {value!r}", lambda: bs.BandStop(rate=0.5, sigma=(value, 3.0)))
    said(f"budget {value!r}", lambda: Budget(value))
    for field in ("threshold",):
        said(f"{field} {value!r}", lambda: bs.BandStop(rate=0.5, **{field: value}))
    for field in ("levels", "structure", "psi"):
        said(f"{field} {value!r}", lambda: gate.CoarseToFine(rate=0.5, **{field: value}))
    for field in ("seen", "together", "settle"):
        said(f"{field} {value!r}", lambda: gate.Ladder(rate=0.98, **{field: value}))
    said(f"seed {value!r}", lambda: gate.HardConcrete(rate=0.5, seed=value))
    said(f"attach to {value!r}", lambda: gate.attach(value, bs.BandStop(rate=0.5)))
    said(f"attach {value!r}", lambda: gate.attach(net, value))
gates = gate.attach(net, bs.BandStop(rate=0.5))
for value in odd:
    said(f"update {value!r}", lambda: gates.update(value))
fine = []
for value in (numpy.float32(0.5), numpy.float64(0.5), 0, numpy.int64(0)):
    spec = bs.BandStop(rate=value, warmup=value, sigma=(numpy.float32(1), 2), rates={"0.weight": value})
    fine += [type(spec.rate).__name__, type(spec.warmup).__name__, type(spec.rates["0.weight"]).__name__]
    gates.update(value)
gate.HardConcrete(rate=0.5, seed=numpy.int64(3))
print(json.dumps({"good": good, "bad": bad, "types": sorted(set(fine))}))
"""


def test_whatever_is_no_number_is_refused_in_a_sentence_by_everything_that_takes_one():
    # in a program of its own: here in the tests another checker of types comes first
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["good"] == []
    assert len(found["bad"]) > 400
    assert all(len(words.splitlines()) <= 4 for _, words in found["bad"])
    assert found["types"] == ["float"]
