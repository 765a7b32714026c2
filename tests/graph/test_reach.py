"""What is dead changes nothing, what is alive does, and paths alone reach every output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from graphs import BLOCKS, CURVED, LINEAR, PRODUCTS, graphs, inputs_of, masked, with_masks
from hypothesis import given, settings
from torch import Tensor

import bandstop as bs
from bandstop.graph import Graph, Node, fitting, live, needed, paths, reached, run, values
from bandstop.graph.operations import OPERATIONS


def differences(graph: Graph, pairs: int = 3) -> list[Tensor]:
    """What outputs change by from one input to another."""
    found = []
    for seed in range(pairs):
        one, other = (run(graph, inputs_of(graph, 1, s)) for s in (seed, seed + 100))
        found += [a - b for a, b in zip(one, other, strict=True)]
    return found


def changed(name: str, tensor: Tensor, place: int) -> dict[str, Tensor]:
    other = tensor.clone()
    other.view(-1)[place] += 1.5
    return {name: other}


def close(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(
        (a - b).abs().max() <= 1e-8 * (1 + a.abs().max()) for a, b in zip(one, other, strict=True)
    )


def require_dead_changes_nothing(case) -> None:
    """Each weight that stays and is dead, one at a time."""
    graph = with_masks(*case)
    alive = live(graph, case[1])
    before = differences(graph)
    for name, mask in case[1].items():
        for place in (mask & ~alive[name]).flatten().nonzero().flatten().tolist():
            there = graph.with_tensors(changed(name, graph.tensors[name], place))
            assert close(differences(there), before), (name, place)


@settings(max_examples=100)
@given(masked(LINEAR | PRODUCTS, biases=True))
def test_a_dead_weight_changes_nothing_in_sums_of_products(case):
    require_dead_changes_nothing(case)


@settings(max_examples=100)
@given(masked(LINEAR | PRODUCTS | CURVED, biases=False))
def test_a_dead_weight_changes_nothing_behind_functions_that_are_0_of_0(case):
    require_dead_changes_nothing(case)


def require_dead_only_shifts(case) -> None:
    """Whatever the functions: a dead weight changes what is read of a value as a bias would, or not.

    Where a value does not depend on the input the change goes on behind it.
    """
    graph = with_masks(*case)
    alive = live(graph, case[1])
    matters = needed(graph, case[1])
    both = [values(graph, inputs_of(graph, 1, seed)) for seed in (0, 100)]
    for name, mask in case[1].items():
        for place in (mask & ~alive[name]).flatten().nonzero().flatten().tolist():
            moved = changed(name, graph.tensors[name], place)
            require_shifts(graph, matters, both, [dict(moved), dict(moved)])


def require_shifts(
    graph: Graph,
    matters: Mapping[str, Tensor],
    both: list[dict[str, Tensor]],
    moved: list[dict[str, Tensor]],
) -> None:
    """both: the values of two inputs; moved: those of them that are changed."""
    for node in graph.nodes:
        if node.operation in SHIFTED or not moved[0].keys() & set(node.inputs):
            continue
        name, operation = node.output, OPERATIONS[node.operation]
        before = [v[name] for v in both]
        after = [
            operation.run([m.get(n, v[n]) for n in node.inputs], node.attributes, 1)
            for m, v in zip(moved, both, strict=True)
        ]
        one, other = (new - old for new, old in zip(after, before, strict=True))
        still = (before[0] - before[1]).abs() <= 1e-9
        off = (one - other).abs() > 1e-8 * (1 + one.abs())
        assert not (off & matters[name].expand_as(off)).any(), (list(moved[0]), node)
        if (still & (one.abs() > 0)).any():
            for m, new, old in zip(moved, after, before, strict=True):
                m[name] = torch.where(still, new, old)


SHIFTED = {"softmax", "standardise", "max", "max-pool"}
"""Elements that are constant shift the others as biases do: see the operations."""


@settings(max_examples=150)
@given(masked(BLOCKS, biases=True))
def test_a_dead_weight_is_at_most_a_bias(case):
    require_dead_only_shifts(case)


def require_fitting(case) -> None:
    graph, masks = case
    found = fitting(graph, masks)
    together = {n: mask | found[n] for n, mask in masks.items()}
    alive = live(graph, together)
    assert not any((found[n] & (masks[n] | ~alive[n])).any() for n in masks)
    for name, mask in masks.items():
        for place in (~mask).flatten().nonzero().flatten().tolist():
            one = mask.clone()
            one.view(-1)[place] = True
            there = bool(live(graph, {**masks, name: one})[name].view(-1)[place])
            assert there == bool(found[name].view(-1)[place])


@settings(max_examples=50)
@given(masked(BLOCKS))
def test_a_weight_that_fits_is_alive_if_it_stays_and_no_other_is(case):
    require_fitting(case)


def positive(graph: Graph) -> Graph:
    """With positive numbers alone, and sums for differences."""
    nodes = tuple(
        replace(n, operation="add") if n.operation == "subtract" else n for n in graph.nodes
    )
    tensors = {n: t.abs() + 0.1 for n, t in graph.tensors.items()}
    return replace(graph, nodes=nodes, tensors=tensors)


def require_gradients_agree(case) -> None:
    graph, masks = case
    whole = with_masks(positive(graph), masks)
    tensors = {n: t.clone().requires_grad_() for n, t in whole.tensors.items()}
    one = run(whole, [x.abs() + 0.1 for x in inputs_of(whole, 1)], tensors)
    total = torch.stack([o.sum() for o in one]).sum()
    names = list(masks)
    found = torch.autograd.grad(total, [tensors[n] for n in names], allow_unused=True)
    grads = dict(zip(names, found, strict=True))
    alive = live(whole, masks)
    for name, mask in masks.items():
        grad = grads[name]
        expected = torch.zeros_like(mask) if grad is None else (grad > 0) & mask
        assert torch.equal(alive[name], expected), name


@settings(max_examples=100)
@given(masked(LINEAR | PRODUCTS, biases=False))
def test_of_positive_weights_those_live_that_have_a_gradient(case):
    require_gradients_agree(case)


def require_paths(graph: Graph) -> None:
    random = torch.Generator().manual_seed(7)
    scores = {
        n: torch.rand(t.shape, generator=random) for n, t in graph.tensors.items() if n[0] == "w"
    }
    everything = {n: torch.ones_like(s, dtype=torch.bool) for n, s in scores.items()}
    possible = reached(graph, everything)
    if not all(r.all() for r in possible.values()):
        with pytest.raises(bs.BadInput, match="can reach"):
            paths(graph, scores)
        return
    found = paths(graph, scores)
    assert all(r.all() for r in reached(graph, found).values())
    alive = live(graph, found)
    assert all(torch.equal(alive[n], mask) for n, mask in found.items())


@settings(max_examples=100)
@given(graphs(BLOCKS))
def test_paths_alone_reach_every_output_and_are_alive(graph):
    require_paths(graph)


def test_a_path_of_the_faintest_weights_is_found():
    """Channels that never meet: the powers of the scores of one of them multiply to 1e-480."""
    graph, scores = side_by_side(10, channels=2)
    for score in scores.values():
        score[0] = 0.0
    found = paths(graph, scores)
    assert all(mask.all() for mask in found.values())


@pytest.mark.parametrize("value", [0.0, 1e-30, 1.0, 1e30])
def test_scores_that_are_all_alike_are_scores(value):
    graph, scores = side_by_side(3, channels=2)
    found = paths(graph, {n: torch.full_like(s, value) for n, s in scores.items()})
    assert all(mask.all() for mask in found.values())


def side_by_side(depth: int, channels: int) -> tuple[Graph, dict[str, Tensor]]:
    """Convolutions of each channel alone, beside a residual's other way that ends in one frame more."""
    how = {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": channels}
    nodes = [
        Node("convolve", ("in0" if i == 0 else f"v{i - 1}", f"w{i}"), f"v{i}", how) for i in range(depth)
    ]  # fmt: skip
    nodes.append(Node("concatenate", ("in0", f"v{depth - 1}"), "out", {"dim": 2}))
    tensors = {f"w{i}": torch.ones(channels, 1, 1) for i in range(depth)}
    graph = Graph({"in0": (1, channels, 1)}, tuple(nodes), tensors, ("out",))
    return graph, {n: t.clone() for n, t in tensors.items()}


def test_the_strongest_path_is_taken():
    nodes = (
        Node("einsum", ("x", "one"), "hidden", {"equation": "ny,zy->nz"}),
        Node("einsum", ("hidden", "other"), "out", {"equation": "ny,zy->nz"}),
    )
    scores = {
        "one": torch.tensor([[0.9, 0.1], [0.2, 0.8]]),
        "other": torch.tensor([[0.5, 0.4]]),
    }
    graph = Graph({"x": (1, 2)}, nodes, scores, ("out",))
    found = paths(graph, scores)
    assert found["one"].tolist() == [[True, False], [False, False]]
    assert found["other"].tolist() == [[True, False]]


def test_an_output_that_nothing_leads_to_is_refused():
    nodes = (Node("scale", ("w",), "out", {"scale": 1.0, "shift": 0.0}),)
    graph = Graph({"x": (1, 2)}, nodes, {"w": torch.ones(1, 2)}, ("out",))
    with pytest.raises(bs.BadInput, match="can reach"):
        paths(graph, {"w": torch.ones(1, 2)})
    assert not live(graph, {"w": torch.ones(1, 2)})["w"].any()
    assert not reached(graph, {})["out"].any()


PLANTED = {
    "a product forgets its other factor": ("multiply", lambda marks, a: marks[0]),
    "a sum forgets a term": ("add", lambda marks, a: marks[0]),
    "everything of a convolution varies": (
        "convolve", lambda marks, a: type(marks[0])(torch.ones_like(marks[0].varies), marks[0].counts),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault, monkeypatch):
    """By the gradients of positive weights, in one network with all of these operations."""
    shape = {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1}
    nodes = (
        Node("convolve", ("x", "wa"), "a", shape),
        Node("convolve", ("x", "wb"), "b", shape),
        Node("multiply", ("a", "b"), "c"),
        Node("convolve", ("x", "wd"), "d", shape),
        Node("add", ("c", "d"), "out"),
    )
    graph = Graph(
        {"x": (1, 2, 1)},
        nodes,
        {n: torch.ones(2, 2, 1).double() for n in ("wa", "wb", "wd")},
        ("out",),
    )
    masks = {n: torch.ones(2, 2, 1, dtype=torch.bool) for n in graph.tensors}
    masks["wa"][1] = False
    require_gradients_agree((graph, masks))
    operation, flow = PLANTED[fault]
    monkeypatch.setattr(type(OPERATIONS[operation]), "flow", lambda self, marks, a: flow(marks, a))
    with pytest.raises(AssertionError):
        require_gradients_agree((graph, masks))
