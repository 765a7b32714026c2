"""Which weights matter: one recursion over a graph, in whatever numbers its marks are.

A weight is alive if an output depends on the input through it. With 0/1 marks a run of the graph's flow
says what is reached, and the gradient of all outputs' marks what is wanted; both are cut to 0/1 at every
value, so that no count of paths overflows. With powers of scores for marks the same run gives to every
element the strength of the paths that reach it, and walking back from an output along the strongest
terms gives a path (our choice: a power mean stands for the maximum, so that any operation that is a sum
of products can be walked).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bandstop.errors import BadInput
from bandstop.graph.graph import Graph, Node
from bandstop.graph.operations import OPERATIONS, Marks

SHARP = 8
"""The power of scores: (sum x^8)^(1/8) is the maximum but for ties."""
FAINT = 1e-100
"""Below the strongest by so much a path is as good as any other, and still one."""
SEEN = 0.5
"""Marks of 0 and 1 add up to whole numbers."""


class Cut(torch.autograd.Function):
    """0 or 1 forward, 0 or 1 backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return (x > SEEN).to(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return (grad > SEEN).to(grad)


def cut(marks: Marks) -> Marks:
    varies, counts = marks
    return Marks(None if varies is None else Cut.apply(varies), Cut.apply(counts))


def start(graph: Graph, masks: Mapping[str, Tensor]) -> dict[str, Marks]:
    """Marks of inputs and tensors: inputs vary, tensors count where they are not 0.

    Parameters
    ----------
    graph : of which network
    masks : name -> which elements of a tensor may be other than 0; without one its own zeros say so

    Returns
    -------
    dict of str to Marks
    """
    found = {}
    for name, shape in graph.inputs.items():
        ones = torch.ones(shape, requires_grad=True)
        found[name] = Marks(ones, torch.ones(shape))
    for name, tensor in graph.tensors.items():
        mask = masks.get(name, tensor != 0)
        found[name] = Marks(None, mask.detach().to(torch.float32).requires_grad_())
    return found


def flow(graph: Graph, marks: dict[str, Marks]) -> dict[str, Marks]:
    """The marks of every value, cut to 0 and 1."""
    found = dict(marks)
    for node in graph.nodes:
        made = OPERATIONS[node.operation].flow([found[n] for n in node.inputs], node.attributes)
        found[node.output] = cut(made)
    return found


def needed(graph: Graph, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Which elements of every value and tensor the outputs' dependence on the input goes through.

    Parameters
    ----------
    graph : of which network
    masks : as in `start`

    Returns
    -------
    dict of str to Tensor of bool
        Of one sample's shape.
    """
    found, grads = _wanted(graph, masks)
    result = {}
    for name, (varies, counts) in found.items():
        there = torch.zeros_like(counts, dtype=torch.bool)
        for mark in (varies, counts):
            if mark is not None and id(mark) in grads:
                there |= (grads[id(mark)] > SEEN) & (mark > SEEN)
        result[name] = there
    return result


def _wanted(
    graph: Graph, masks: Mapping[str, Tensor]
) -> tuple[dict[str, Marks], dict[int, Tensor]]:
    """Marks of all values; and by the id of a mark the gradient of all outputs' marks, where there is one."""
    with torch.enable_grad():
        found = flow(graph, start(graph, masks))
    every = [m for v in found.values() for m in v if m is not None and m.requires_grad]
    goals = [v for n in graph.outputs if (v := found[n].varies) is not None and v.requires_grad]
    if not goals:
        return found, {}
    with torch.enable_grad():
        total = torch.stack([v.sum() for v in goals]).sum()
    grads = torch.autograd.grad(total, every, allow_unused=True)
    return found, {id(m): g for m, g in zip(every, grads, strict=True) if g is not None}


def fitting(graph: Graph, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Which weights that do not stay would be alive if they did, each beside what stays.

    Parameters
    ----------
    graph : of which network
    masks : name -> which weights stay

    Returns
    -------
    dict of str to Tensor of bool
        All of these could stay together: no weight dies of another that stays.
    """
    found, grads = _wanted(graph, masks)
    none = torch.zeros(())
    wanted = {n: grads.get(id(found[n].counts), none) > SEEN for n in masks}
    return {n: ~mask.bool() & wanted[n].to(mask.device) for n, mask in masks.items()}


def live(graph: Graph, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The masks without what is dead.

    A weight is alive if the input reaches an output through it, or if what the input reaches is multiplied
    with something that it leads to. One that only adds a constant is dead, since a bias does the same.

    Parameters
    ----------
    graph : of which network
    masks : name -> which weights stay

    Returns
    -------
    dict of str to Tensor of bool
    """
    there = needed(graph, masks)
    return {name: mask.bool() & there[name].to(mask.device) for name, mask in masks.items()}


def reached(graph: Graph, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Output -> which of its elements depend on an input."""
    with torch.no_grad():
        found = flow(graph, start(graph, masks))
    nothing = {n: torch.zeros_like(found[n].counts) for n in graph.outputs}
    return {n: (nothing[n] if (v := found[n].varies) is None else v) > SEEN for n in graph.outputs}


class Paths:
    """Strong paths to outputs.

    Parameters
    ----------
    graph : of which network
    scores : name -> score of each weight, at least 0

    Raises
    ------
    BadInput
        From `to`, where no path leads to an output whatever stays.
    """

    def __init__(self, graph: Graph, scores: Mapping[str, Tensor]) -> None:
        self.graph, self.scores = graph, scores
        self.maker = {node.output: node for node in graph.nodes}
        self.marks = self._strengths()
        self.masks = {n: torch.zeros(s.shape, dtype=torch.bool) for n, s in scores.items()}
        self.seen: set[tuple[str, bool, int]] = set()

    def _strengths(self) -> dict[str, Marks]:
        """Powers of strengths; `varies` of each value over its largest, whose logarithm is kept."""
        found, self.level = start(self.graph, self.scores), dict.fromkeys(self.graph.inputs, 0.0)
        for name, score in self.scores.items():
            size = score.double()
            size = size / size.max().clamp(min=1e-300)
            found[name] = Marks(None, (size + 1e-6).pow(SHARP))
        found = {n: Marks(None if m.varies is None else m.varies.detach().double(),
                          m.counts.detach().double()) for n, m in found.items()}  # fmt: skip
        with torch.no_grad():
            for node in self.graph.nodes:
                marks, level = self._brought(node, found)
                varies, counts = OPERATIONS[node.operation].flow(marks, node.attributes)
                if varies is not None:
                    largest = varies.max().clamp(min=1e-300)
                    varies = torch.where(varies > 0, (varies / largest).clamp(min=FAINT), 0)
                    level += float(largest.log())
                    counts = (counts > 0).to(counts)  # a factor that varies is taken as it comes
                    self.level[node.output] = level
                elif counts.max() > 0:
                    counts = counts / counts.max()
                found[node.output] = Marks(varies, counts)
        return found

    def _brought(self, node: Node, found: Mapping[str, Marks]) -> tuple[list[Marks], float]:
        """A node's inputs with strengths on one level."""
        levels = [self.level[n] for n in node.inputs if n in self.level]
        level = max(levels, default=0.0)
        marks = []
        for name in node.inputs:
            varies, counts = found[name]
            if varies is not None:
                factor = (
                    torch.tensor(self.level[name] - level, dtype=torch.double)
                    .exp()
                    .clamp(min=FAINT)
                )
                varies = varies * factor
            marks.append(Marks(varies, counts))
        return marks, level

    def to(self, output: str, element: int) -> None:
        """Add to `masks` what a strong path to one element of an output needs."""
        todo = [(output, True, element)]
        while todo:
            step = todo.pop()
            if step in self.seen:
                continue
            self.seen.add(step)
            name, _, place = step
            if name in self.masks:
                self.masks[name].view(-1)[place] = True
            if name in self.maker:
                todo += self._before(*step)

    def _before(self, name: str, varying: bool, place: int) -> list[tuple[str, bool, int]]:
        """What one element of a value needs: its strongest term, and every factor of that."""
        node = self.maker[name]
        brought, _ = self._brought(node, self.marks)
        leaves: list[tuple[str, bool, Tensor]] = []
        marks = []
        for source, (varies, counts) in zip(node.inputs, brought, strict=True):
            counts = counts.clone().requires_grad_()
            leaves.append((source, False, counts))
            if varies is not None:
                varies = varies.clone().requires_grad_()
                leaves.append((source, True, varies))
            marks.append(Marks(varies, counts))
        with torch.enable_grad():
            made = OPERATIONS[node.operation].flow(marks, node.attributes)
            goal = made.varies if varying else made.counts
            if goal is None or not goal.requires_grad or goal.reshape(-1)[place] <= 0:
                if varying:
                    raise BadInput(
                        f"nothing that the network reads can reach `{name}`"
                        + (f" in {node.place}" if node.place else "")
                    )
                return []
            one = goal.reshape(-1)[place]
            terms = self._terms(one, leaves)
            source, kind, _, _, at, leaf = max(terms, key=lambda t: (t[2], t[3]))
            (grad,) = torch.autograd.grad(one, leaf, retain_graph=True, create_graph=True)
            factors = self._factors(grad.reshape(-1)[at], leaves, leaf)
        return [(source, kind, at), *factors]

    def _terms(
        self, one: Tensor, leaves: list[tuple[str, bool, Tensor]]
    ) -> list[tuple[str, bool, bool, float, int, Tensor]]:
        """For each leaf its element whose term is largest."""
        tensors = [t for _, _, t in leaves]
        grads = torch.autograd.grad(one, tensors, retain_graph=True, allow_unused=True)
        varying = any(kind for _, kind, _ in leaves) and any(
            g is not None and bool((g * t > 0).any())
            for g, (_, kind, t) in zip(grads, leaves, strict=True)
            if kind
        )
        found = []
        for grad, (source, kind, t) in zip(grads, leaves, strict=True):
            if grad is None:
                continue
            term = (grad * t).reshape(-1)
            at = int(term.argmax())
            if term[at] > 0:
                found.append((source, kind, kind == varying, float(term[at].detach()), at, t))
        return found

    def _factors(
        self, factor: Tensor, leaves: list[tuple[str, bool, Tensor]], own: Tensor
    ) -> list[tuple[str, bool, int]]:
        """Of every other leaf the element that the strongest element is multiplied with."""
        if not factor.requires_grad:
            return []
        others = [x for x in leaves if x[2] is not own]
        grads = torch.autograd.grad(
            factor, [t for _, _, t in others], retain_graph=True, allow_unused=True
        )
        found = []
        for grad, (source, kind, t) in zip(grads, others, strict=True):
            if grad is None:
                continue
            term = (grad * t).reshape(-1)
            at = int(term.argmax())
            if term[at] > 0:
                found.append((source, kind, at))
        return found


def paths(graph: Graph, scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Masks that hold a strong path from an input to every element of every output.

    Parameters
    ----------
    graph : of which network
    scores : name -> score of each weight, at least 0

    Returns
    -------
    dict of str to Tensor of bool

    Raises
    ------
    BadInput
        Where nothing that the network reads can reach an output.
    """
    found = Paths(graph, scores)
    for output in graph.outputs:
        for element in range(found.marks[output].counts.numel()):
            found.to(output, element)
    return found.masks
