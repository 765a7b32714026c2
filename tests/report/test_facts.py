"""What the figures say is what the record says."""

from __future__ import annotations

import numpy as np
import pytest

from bandstop.record import Config
from bandstop.report.facts import CUTS, PRIORS_USED_BY, cut_step, loss_terms, percent, readers
from bandstop.report.poses import POSES, pose, tree
from bandstop.report.prior import DENSITIES, THRESHOLDS, empirical_threshold
from bandstop.report.weights import stop_band
from bandstop.skeleton import LAYOUTS, Skeleton

V = np.linspace(-40, 40, 800_001)
NAMES = ["attention", "filters", "dense"]


@pytest.mark.parametrize("prior", DENSITIES)
def test_a_prior_has_unit_mass_and_variance_and_its_threshold_leaves_the_rate_below(prior):
    density, step = DENSITIES[prior](V), V[1] - V[0]
    assert density.sum() * step == pytest.approx(1, abs=1e-4)
    assert (V * V * density).sum() * step == pytest.approx(1, abs=1e-4)
    for rate in (0.0, 0.5, 0.9, 0.98):
        inside = density[np.abs(V) < THRESHOLDS[prior](rate)].sum() * step
        assert inside == pytest.approx(rate, abs=1e-4)


def test_priors_and_cuts_are_those_that_training_uses():
    from bandstop.gate.prior import PRIORS
    from bandstop.method import METHODS

    assert set(DENSITIES) == set(THRESHOLDS) == set(PRIORS)
    for name, prior in PRIORS.items():
        assert THRESHOLDS[name](0.93) == pytest.approx(prior.threshold(0.93), abs=1e-6)
    assert {name: m.cut for name, m in METHODS.items() if m.cut is not None} == CUTS
    assert {name for name, m in METHODS.items() if "alignment" in m.terms} == set(PRIORS_USED_BY)


def test_the_mask_becomes_final_where_the_method_says():
    assert cut_step(Config(method="pmp", steps=1000, settle=0.2)) == 800
    assert cut_step(Config(method="mp-finetune", steps=1000)) == 500
    assert cut_step(Config(method="mp")) is None
    assert cut_step(Config(method="dense", rate=0.0)) is None


def test_loss_terms_are_what_is_neither_time_nor_rate_nor_accuracy(make):
    history = [*make().history, {"epoch": 6, "step": 7, "new_term": 3.0}]
    terms = loss_terms(history)
    assert list(terms) == ["cross_entropy", "alignment_wasserstein", "new_term"]
    assert np.isnan(terms["cross_entropy"][-1])
    assert terms["new_term"][-1] == 3.0


def test_a_rate_near_one_is_never_rounded_up_to_all():
    assert percent(0.9) == "90.0 %"
    assert percent(0.9996) == "99.96 %"
    assert percent(1.0) == "100 %"


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.97])
def test_the_empirical_threshold_of_gaussian_latents_is_the_gaussians(rate):
    latents = np.random.default_rng(0).standard_normal(400_000)
    counts, edges = np.histogram(latents, np.linspace(-6, 6, 121))
    found = empirical_threshold(edges, counts, rate)
    assert found == pytest.approx(THRESHOLDS["gaussian"](rate), abs=0.03)


def test_no_latents_and_no_rate_have_no_threshold():
    edges = np.linspace(-6, 6, 121)
    assert empirical_threshold(edges, np.zeros(120), 0.9) == 0
    assert empirical_threshold(edges, np.ones(120), 0.0) == 0


def test_the_stop_band_is_the_one_that_the_tensors_compete_under(make):
    whole, words = stop_band(make(threshold="prior"), NAMES)
    assert whole == pytest.approx(THRESHOLDS["gaussian"](0.9), abs=0.05)
    assert "stop band" in words
    layered = make(threshold="prior", scope="layer")
    assert stop_band(layered, NAMES)[0] == 0, (
        "tensors with thresholds of their own have none in common"
    )
    assert stop_band(layered, ["dense"])[0] > 1
    spared = make(exempt=("den*",), rate=0.5)
    assert stop_band(spared, ["dense"])[0] == 0
    assert stop_band(spared, ["filters"]) == stop_band(spared, ["attention"])
    assert stop_band(make(method="dense"), NAMES)[0] == 0
    assert "cut" in stop_band(make(method="mp"), NAMES)[1]


def test_readers_count_the_weights_on_each_node(make):
    counts = readers(make(dead=(4, 20)))
    assert counts.shape == (30,)
    assert (counts == 0).nonzero()[0].tolist() == [4, 20]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_has_a_pose_with_its_joints_apart(name):
    assert len(POSES[name]) == len(LAYOUTS[name].joints)
    points, _ = pose(LAYOUTS[name])
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2) + np.eye(len(points))
    assert gaps.min() > 0.05
    assert points[:, 1].min() == 0


def test_left_and_right_of_the_standing_person_mirror_each_other():
    points = np.array(POSES["sbu"])
    assert np.allclose(points[list(LAYOUTS["sbu"].mirror)], points * [-1, 1])


def test_a_tree_puts_children_below_and_never_two_joints_in_one_place():
    forest = Skeleton(
        "f", tuple("abcdefg"), ((0, 1), (0, 2), (2, 3), (2, 4), (5, 6)), tuple(range(7))
    )
    points = tree(forest)
    assert all(points[child, 1] < points[parent, 1] for parent, child in forest.bones)
    assert len({tuple(p) for p in points}) == 7
    single = Skeleton("s", ("only",), (), (0,))
    assert np.isfinite(pose(single)[0]).all()
