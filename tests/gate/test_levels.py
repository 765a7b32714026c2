"""Coarse-to-fine and semi-structured masks: their formulas, and the edges that hold the budget."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded
from torch import nn

from bandstop.errors import BadInput
from bandstop.gate import CoarseToFine, SemiStructured, attach, gated_tensors, prunable
from bandstop.gate.coarse_to_fine import coarse_to_fine
from bandstop.gate.groups import COARSE, LEVELS, as_blocks, group_counts, pooled
from bandstop.gate.levels import level_edges, level_parts
from bandstop.gate.semi_structured import AGREE, decisions, semi_structured, whole_groups
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import live

SHAPE = Shape(heads=4, nodes=8, features=6, filters=16, classes=5)
LEVEL_SETS = [*((level,) for level in LEVELS), COARSE, LEVELS, ("channel", "entry")]
ZERO = torch.zeros(())


def network(seed: int = 0) -> AttentionGCN:
    return AttentionGCN(SHAPE, seeded(seed))


def hard(net: nn.Module) -> dict[str, torch.Tensor]:
    return {g.name: g.gate.hard_mask(g.latent) for g in gated_tensors(net)}


def scalar(value: float) -> torch.Tensor:
    return torch.tensor(value)


# --- coarse to fine ----------------------------------------------------------------------------


def test_groups_of_coarse_to_fine_pass_no_gradient_and_entries_theirs():
    energy = (torch.rand(3, 4, 5, generator=seeded(0)) + 0.1).requires_grad_()
    edges, units = torch.tensor([0.6, 0.6, 0.6, 0.5]), torch.tensor([0.1, 0.1, 0.1, 1.0])
    mask = coarse_to_fine(energy, edges, units, scalar(3.0), LEVELS)
    coarse = coarse_to_fine(energy, edges[:3], units[:3], scalar(3.0), COARSE)
    assert not coarse.requires_grad
    mask.sum().backward()
    entry = torch.sigmoid(3.0 * (energy.detach() - 0.5))
    assert ((coarse > 0.01) & (coarse < 0.99)).any()
    torch.testing.assert_close(energy.grad, coarse * 3.0 * entry * (1 - entry))


@pytest.mark.parametrize("levels", LEVEL_SETS, ids=" ".join)
def test_an_entry_lives_only_where_all_of_its_groups_do(levels):
    energy = torch.rand(3, 4, 5, generator=seeded(1))
    edges = torch.stack([pooled(energy, level).median() for level in levels])
    mask = coarse_to_fine(energy, edges, torch.full((len(levels),), 1e-4), scalar(10.0), levels)
    expected = torch.ones_like(energy, dtype=torch.bool)
    for level, edge in zip(levels, edges, strict=True):
        expected &= pooled(energy, level) >= edge
    assert torch.equal(mask >= 0.5 ** len(levels), expected)


def test_without_edges_the_factors_are_symmetrized_sigmoids():
    energy = torch.rand(3, 4, 5, generator=seeded(1))
    mask = coarse_to_fine(energy, torch.zeros(4), torch.ones(4), scalar(2.0), LEVELS, "symmetric")
    expected = torch.ones_like(energy)
    for level in LEVELS:
        expected = expected * (2 * torch.sigmoid(2.0 * pooled(energy, level)) - 1)
    assert torch.allclose(mask, expected)


@pytest.mark.parametrize("made", [CoarseToFine, SemiStructured])
@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("structure", [0.0, 0.4, 0.8])
def test_with_entries_among_the_levels_the_budget_holds_while_training(made, rate, structure):
    net = network()
    gates = attach(net, made(rate=rate, structure=structure))
    gates.update(0.9)
    asked = 1 - round((1 - rate) * SHAPE.weights) / SHAPE.weights
    assert gates.observed_rate() == pytest.approx(asked, abs=0.02)


@pytest.mark.parametrize("made", [CoarseToFine, SemiStructured])
def test_more_structure_closes_more_whole_groups_at_one_rate(made):
    heads = []
    for structure in (0.0, 0.5, 0.9):
        net = network()
        gates = attach(net, made(rate=0.9, structure=structure))
        gates.update(1.0, lambda masks: live(masks, SHAPE))
        masks = hard(net)
        heads.append(sum(int(as_blocks(m).flatten(1).any(1).sum()) for m in masks.values()))
    assert heads[0] > heads[1] > heads[2] >= 3


@pytest.mark.parametrize("made", [CoarseToFine, SemiStructured])
def test_heads_that_another_tensor_has_closed_are_not_kept(made):
    net = network()
    gates = attach(net, made(rate=0.9, structure=0.9))
    gates.update(1.0, lambda masks: live(masks, SHAPE))
    masks = hard(net)
    kept = {n: as_blocks(masks[n]).flatten(1).any(1) for n in ("attention", "filters")}
    assert (kept["filters"] & kept["attention"]).any()
    assert 1 <= int(kept["attention"].sum()) < SHAPE.heads


@pytest.mark.parametrize("made", [CoarseToFine, SemiStructured])
def test_runs_that_are_updated_together_get_what_each_gets_alone(made):
    from bandstop.gate import update_together

    def gates(run: int):
        return attach(network(run), made(rate=(0.5, 0.9, 0.8)[run]))

    together = [gates(run) for run in range(3)]
    update_together(together, 0.6, lambda masks: live(masks, SHAPE))
    for run, ours in enumerate(together):
        alone = gates(run)
        alone.update(0.6, lambda masks: live(masks, SHAPE))
        for name, g in alone.tensors.items():
            state = ours.tensors[name].gate.state_dict()
            assert all(torch.equal(v, state[k]) for k, v in g.gate.state_dict().items())


# --- edges -------------------------------------------------------------------------------------


@given(st.integers(0, 2**20), st.floats(0.01, 1.0), st.sampled_from(LEVEL_SETS))
def test_every_level_keeps_its_part_of_the_groups_and_never_none(seed, keep, levels):
    field = torch.rand(1, 6, 5, 7, generator=seeded(seed))
    parts = level_parts(levels, 0.7)
    among = torch.ones_like(field, dtype=torch.bool)
    edges, open_ = level_edges(field, among, [keep], levels, parts)
    assert open_.any()
    if "channel" in parts:
        channels = int((pooled(field, "channel") >= edges[0, levels.index("channel")]).sum())
        assert channels == max(1, round(6 * keep ** parts["channel"]))


@given(st.sampled_from(LEVEL_SETS), st.floats(0, 1))
def test_the_parts_of_the_levels_sum_to_the_structure_or_to_all_without_entries(levels, structure):
    parts = level_parts(levels, structure)
    expected = 0 if levels == ("entry",) else structure if "entry" in levels else 1
    assert sum(parts.values()) == pytest.approx(expected)


# --- semi-structured ---------------------------------------------------------------------------


def test_groups_of_semi_structured_pass_no_gradient_and_entries_theirs():
    energy = (torch.rand(3, 4, 5, generator=seeded(0)) + 0.1).requires_grad_()
    low = torch.tensor([0.4, 0.4, 0.4, 0.0])
    own = semi_structured(energy, scalar(0.3), scalar(0.5), low, scalar(0.05), LEVELS)
    groups = semi_structured(energy, scalar(0.3), scalar(0.5), low[:3], scalar(0.05), COARSE)
    assert not groups.requires_grad
    (slope,) = torch.autograd.grad(own.sum(), energy)
    keep, drop = decisions(energy.detach(), scalar(0.3), low, scalar(0.05), LEVELS)
    open_ = torch.ones_like(energy)
    for level in COARSE:
        open_ = open_ * (1 - keep[level]) * (1 - drop[level])
    fine = torch.sigmoid(0.05 * (energy.detach() - 0.5))
    torch.testing.assert_close(slope, open_ * 0.05 * fine * (1 - fine))


def test_where_a_group_agrees_it_decides_and_where_it_does_not_the_entry_does():
    energy = torch.full((1, 3, 40), 0.1)
    energy[0, 0] = 4.0  # all pass: kept whole
    energy[0, 1, :20] = 4.0  # half pass: each for itself
    energy[0, 2, 0] = 4.0  # one passes: dropped
    energy[0, 0, 3] = 0.1  # but one of the kept row
    levels, low = ("row", "entry"), torch.tensor([0.3, 0.0])
    mask = semi_structured(energy, scalar(1.0), scalar(1.0), low, scalar(100.0), levels)
    assert mask[0, 0].round().tolist() == [1] * 40
    assert mask[0, 1].round().tolist() == [1] * 20 + [0] * 20
    assert mask[0, 2].round().tolist() == [0] * 40


def test_its_ends_are_the_band_stop_alone_and_groups_alone():
    energy = torch.rand(2, 4, 5, generator=seeded(3)) * 2
    none = torch.zeros(1)
    alone = semi_structured(energy, ZERO, scalar(1.0), none, scalar(50.0), ("entry",))
    assert torch.allclose(alone, torch.sigmoid(50 * (energy - 1)))
    low = torch.full((3,), 0.4)
    groups = semi_structured(energy, scalar(1.0), ZERO, low, scalar(100.0), COARSE).round()
    product = (groups.amax(2, keepdim=True) * groups.amax(1, keepdim=True)).round()
    assert torch.equal(groups, product), "groups alone must leave whole rows and columns"


@given(st.integers(0, 2**20), st.floats(0.5, 100))
def test_a_group_is_never_kept_and_dropped_at_once(seed, sharpness):
    energy = 4 * torch.rand(2, 4, 5, generator=seeded(seed))
    first = torch.tensor(1.0)
    low = torch.full((4,), AGREE / 2)  # of groups that are kept more passes: none of it is below 1
    keep, drop = decisions(energy, first, low, torch.tensor(sharpness), LEVELS)
    for level in COARSE:
        assert ((keep[level] <= 0.5) | (drop[level] <= 0.5)).all()


def test_what_is_kept_whole_uses_up_the_budget_although_one_of_its_rows_is_dropped():
    latent = torch.full((2, 40, 2), 3.0)
    latent[0, 0] = (
        0.05  # channel 0 passes but for this row: it is kept whole, though the row is weakest
    )
    latent[1, :, 0] = torch.linspace(2.0, 3.0, 40)  # channel 1: half of each row passes
    latent[1, :, 1] = 0.1
    latent[1, -2:, 1] = 1.0  # what comes next where the row of channel 0 is not counted
    bearer = nn.Module()
    bearer.weight = nn.Parameter(latent)
    spec = SemiStructured(
        rate=42 / 160,
        levels=("channel", "row", "entry"),
        sigma=(2.0, 2.0),
        warmup=0.0,
        scale="unit",
    )
    attach(bearer, spec).update(0.0)
    (gated,) = gated_tensors(bearer)
    gate, energy = gated.gate, latent.square()
    passed = energy * torch.sigmoid(2 * (energy - gate.first))
    assert pooled(passed, "row")[0, 0] < gate.low[1]
    mask = gate.hard_mask(gated.latent)
    assert mask[0].all()
    assert int(mask.sum()) == 160 - 42
    scores = gate.scores(gated.latent)
    assert scores[0].min() > scores[1].max(), "kept whole: before all others"
    assert scores[1, :2].max() < scores[1, 2:].min(), "dropped: after all others"


def test_a_row_that_agrees_is_not_kept_in_a_channel_that_is_dropped():
    energy = torch.zeros(1, 8, 4)
    energy[0, 0] = 4.0
    low, levels = torch.tensor([1.0, 0.2, 0.0]), ("channel", "row", "entry")
    kept, dropped = whole_groups(energy, scalar(1.0), low, scalar(100.0), levels)
    assert not kept.any()
    assert dropped.all()
    kept, dropped = whole_groups(energy, scalar(1.0), low * 0.1, scalar(100.0), levels)
    assert kept[0].any(1).tolist() == [True, *[False] * 7]
    assert dropped[0].all(1).tolist() == [False, *[True] * 7]


@pytest.mark.parametrize("made", [CoarseToFine, SemiStructured])
def test_what_is_dead_takes_no_part_of_the_budget(made):
    net = network()
    dead = torch.arange(SHAPE.nodes)[:, None] < 4  # half of the outputs lead nowhere

    def alive(masks):
        return {n: m & ~dead if n == "attention" else m for n, m in masks.items()}

    gates = attach(net, made(rate=0.8, structure=0.0, warmup=0.0))
    gates.update(1.0, alive)
    left = sum(int(m.sum()) for m in alive(hard(net)).values())
    assert left == pytest.approx(0.2 * SHAPE.weights, abs=8)


def test_the_cascade_is_its_formula_entry_by_entry():
    energy = torch.rand(2, 3, 4, generator=seeded(5), dtype=torch.float64) * 2
    first, own, sharpness = 0.4, 1.0, 0.02
    lows = {"channel": 0.2, "row": 0.6, "column": 0.7, "entry": 0.0}
    low = torch.tensor([lows[level] for level in LEVELS], dtype=torch.float64)
    mask = semi_structured(
        energy, *(torch.tensor(x, dtype=torch.float64) for x in (first, own)), low,
        torch.tensor(sharpness, dtype=torch.float64), LEVELS,
    )  # fmt: skip
    m = torch.sigmoid(sharpness * (energy - first))
    tau = 100 * sharpness
    for c, i, j in torch.cartesian_prod(*map(torch.arange, energy.shape)).tolist():
        keep, drop = {}, {}
        for level, at in (("channel", (c,)), ("row", (c, i)), ("column", (c, slice(None), j))):
            keep[level] = torch.sigmoid(tau * (m[at].mean() - AGREE))
            passed = (m * energy)[at].mean()
            drop[level] = torch.sigmoid(tau * (lows[level] - passed) / (m * energy).mean())
        fine = torch.sigmoid(sharpness * (energy[c, i, j] - own))
        either = 1 - (1 - keep["row"]) * (1 - keep["column"])
        fine = either + (1 - either) * (1 - drop["row"]) * (1 - drop["column"]) * fine
        expected = keep["channel"] + (1 - keep["channel"]) * (1 - drop["channel"]) * fine
        assert float(mask[c, i, j]) == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("made", [CoarseToFine, SemiStructured])
@pytest.mark.parametrize("progress", [0.1, 1.0])
def test_what_a_budget_term_asks_for_is_the_rate_of_the_moment(made, progress):
    net = network()
    gates = attach(net, made(rate=0.8))
    gates.update(progress)
    removed = SHAPE.weights - round(0.2 * SHAPE.weights)
    for g in gated_tensors(net):
        asked = 1 - gates.spec.ramp(progress) * removed / SHAPE.weights
        assert float(g.gate.keep) == pytest.approx(asked, rel=1e-6)


def test_coarse_to_fine_scores_put_closed_channels_behind_all_others():
    bearer = nn.Module()
    bearer.weight = nn.Parameter(
        torch.ones(4, 3, 3) * torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None, None]
    )
    attach(bearer, CoarseToFine(rate=0.75, levels=("channel", "entry"), structure=1.0)).update(1.0)
    (gated,) = gated_tensors(bearer)
    scores = gated.gate.scores(gated.latent)
    assert scores[3].min() > 1e3 * scores[:3].max()


def test_of_groups_that_are_equal_all_stay_open():
    bearer = nn.Module()
    bearer.weight = nn.Parameter(torch.ones(3, 4, 5))
    attach(bearer, SemiStructured(rate=0.5, warmup=0.0, scale="unit")).update(1.0)
    (gated,) = gated_tensors(bearer)
    # each entry stands on the edge of its own band-stop, at 1/2, and no group closes it further
    assert torch.allclose(gated.gate.mask(gated.latent), torch.tensor(0.5), atol=1e-3)


# --- as values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [CoarseToFine, SemiStructured])
def test_all_that_is_wrong_is_named_at_once(made):
    with pytest.raises(BadInput) as error:
        made(rate=1.5, levels=("head",), structure=2.0, scale="big")
    for words in ("rate must", "levels must be some of channel", "structure must", "scale must"):
        assert words in str(error.value)


@pytest.mark.parametrize("made", [CoarseToFine, SemiStructured])
def test_levels_are_the_same_in_whatever_order_they_are_named(made):
    one, other = made(rate=0.8), made(rate=0.8, levels=("entry", "row", "column", "channel"))
    assert one == other
    assert other.levels == LEVELS


def test_groups_alone_say_so_and_entries_among_them_do_not():
    assert CoarseToFine(rate=0.5, levels=COARSE).whole_groups == COARSE
    assert SemiStructured(rate=0.5).whole_groups == ()


def test_a_gate_of_an_ordinary_layer_knows_its_rows_and_columns():
    layer = nn.Linear(12, 6)
    gates = attach(layer, CoarseToFine(rate=0.7))
    gates.update(1.0)
    mask = hard(layer)["weight"]
    assert int(mask.sum()) == round(0.3 * 72)
    assert group_counts((6, 12))["row"] == 6
    assert not mask.any(1).all(), "some output is closed whole"
    assert list(prunable(layer)) == ["weight"]
