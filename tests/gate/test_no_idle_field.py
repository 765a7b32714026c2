"""Every field of every spec does something, or is refused where it cannot."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest
import torch
from torch import nn

from bandstop import gate
from bandstop.errors import BadInput
from bandstop.gate import (
    SPECS,
    BandStop,
    CoarseToFine,
    GateSpec,
    HardConcrete,
    Ladder,
    Magnitude,
    SemiStructured,
)
from bandstop.gate.groups import COARSE
from bandstop.prune import finish

SETTINGS: dict[str, dict] = {
    "band-stop": {},
    "band-stop, by the prior": {"threshold": "prior"},
    "coarse-to-fine": {},
    "coarse-to-fine, symmetric": {"psi": "symmetric"},
    "coarse-to-fine, groups": {"levels": COARSE},
    "coarse-to-fine, entries": {"levels": ("entry",)},
    "semi-structured": {},
    "semi-structured, groups": {"levels": COARSE},
    "semi-structured, entries": {"levels": ("entry",)},
    "ladder": {"rate": 0.8, "seen": (0.2, 0.4, 0.6, 0.7, 0.8)},
    "ladder, by the prior": {"rate": 0.8, "seen": (0.2, 0.4, 0.6, 0.7, 0.8), "threshold": "prior"},
    "magnitude": {},
    "n-of-m": {"group": 8},
    "hard-concrete": {},
}
"""Specs under all settings that change what their fields mean."""

OTHERS = {
    "rate": 0.7, "sigma": (3.0, 50.0), "warmup": 0.9, "scope": "layer", "exempt": ("2.weight",),
    "rates": {"2.weight": 0.2}, "scale": "unit", "prior": "laplace", "threshold": "prior",
    "psi": "symmetric", "levels": ("channel", "entry"), "structure": 0.2, "settle": 0.5,
    "together": 3, "seen": (0.1, 0.3, 0.5, 0.7, 0.8), "seed": 3, "group": 3,
}  # fmt: skip
"""A value of each field that is nobody's default."""

CASES = [
    (setting, field.name) for setting in SETTINGS for field in fields(SPECS[setting.split(",")[0]])
]


def a_spec(setting: str, **change) -> GateSpec:
    return SPECS[setting.split(",")[0]](**{"rate": 0.5} | SETTINGS[setting] | change)


def seen(spec: GateSpec) -> list[torch.Tensor]:
    """All that can be observed of gates from attach to finish."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 10), nn.Linear(10, 6), nn.Linear(6, 2))
    with torch.no_grad():
        net[1].weight.mul_(0.3)  # so that scope and scale matter
    gates = gate.attach(net, spec)
    found = []
    for progress in (0.0, 0.3, 0.7, 1.0):
        gates.update(progress)
        for g in gates.tensors.values():
            found += [b.clone().flatten() for _, b in g.gate.named_buffers()]
            found.append(g.gate.mask(g.latent).detach().flatten())
    found += [m.float().flatten() for m in finish(net, gates).values()]
    return found


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))


@pytest.mark.parametrize(("setting", "name"), CASES)
def test_another_value_of_a_field_shows_or_is_refused_by_name(setting, name):
    changed, refused = None, ""
    try:
        changed = a_spec(setting, **{name: OTHERS[name]})
    except BadInput as error:
        refused = str(error)
    if changed is None:
        assert name in refused
        assert "\n" not in refused
        return
    if changed == a_spec(setting):
        assert OTHERS[name] == SETTINGS[setting].get(name)  # set to that already
        return
    assert not same(seen(changed), seen(a_spec(setting)))


def test_the_table_has_another_value_of_every_field():
    names = {f.name for spec in SPECS.values() for f in fields(spec)}
    assert names == OTHERS.keys()
    defaults = {f.name: f.default for spec in SPECS.values() for f in fields(spec)}
    assert all(OTHERS[n] != d for n, d in defaults.items() if d is not MISSING)


def test_what_is_observed_is_the_same_the_second_time():
    assert all(same(seen(a_spec(s)), seen(a_spec(s))) for s in SETTINGS)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: BandStop(rate=0.5, prior="uniform"), "prior has no effect beside threshold="),
        (lambda: BandStop(rate=0.5, prior="gaussian"), "prior has no effect"),
        (lambda: Ladder(rate=0.98, prior="laplace"), "prior has no effect"),
        (lambda: Magnitude(rate=0.5, sigma=(1.0, 2.0)), "sigma has no effect"),
        (lambda: HardConcrete(rate=0.5, warmup=0.2), "warmup has no effect"),
        (lambda: SemiStructured(rate=0.5, levels=COARSE, structure=0.2), "structure has no effect"),
        (lambda: CoarseToFine(rate=0.5, psi="symmetric", structure=0.2), "structure has no effect"),
    ],
)
def test_a_field_without_effect_is_refused_with_the_reason(make, said):
    with pytest.raises(BadInput, match=said):
        make()


def test_the_priors_threshold_is_gaussian_where_none_is_named():
    assert BandStop(rate=0.5, threshold="prior") == BandStop(
        rate=0.5, threshold="prior", prior="gaussian"
    )
    assert BandStop(rate=0.5).prior is None
