"""A graph as steps: which memory each value takes, and what is done in which order.

Views, permutations and slices cost nothing: a value is a buffer with strides (refs.py). Everything that
is linear with known weights becomes one kind of step, rows of single weights over columns that lie side
by side: a 1x1 or temporal convolution over frames x joints, an adjacency over channels x frames, a dense
layer over nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch

from bandstop.compile.network import linear, moves, reduce
from bandstop.compile.network.elements import elementwise
from bandstop.compile.network.maker import Maker, Program
from bandstop.compile.network.refs import Buffer, Ref, contiguous
from bandstop.compile.network.steps import Elements, Step
from bandstop.compile.ranked import Ranked
from bandstop.errors import BadInput
from bandstop.graph import Graph, Node, values

LOWER: dict[str, Callable[[Maker, Node], None]] = {
    "convolve": linear.convolve,
    "einsum": linear.einsum,
    "door": moves.door,
    "view": moves.view,
    "permute": moves.permute,
    "expand": moves.expand,
    "take": moves.take,
    "concatenate": moves.concatenate,
    "pad": moves.pad,
    "windows": moves.windows,
    "sum": reduce.total,
    "max": reduce.highest,
    "softmax": reduce.softmax,
    "standardise": reduce.standardise,
    "max-pool": reduce.max_pool,
    "mean-pool": reduce.mean_pool,
}
"""Operation -> how its steps are made; those of single elements have elements.py."""


def lower(
    graph: Graph,
    strides: Mapping[str, tuple[int, ...]] | None = None,
    ranked: Ranked | None = None,
    bits: int = 32,
) -> Program:
    """The steps of one answer.

    Parameters
    ----------
    graph : simplified
    strides : of inputs that do not lie row by row, in floats
    ranked : of a network of many rates, with the ranks of its tensors
    bits : of a stored weight, 32 or 8

    Returns
    -------
    Program

    Raises
    ------
    BadInput
        For operations that have no C, all of them.
    """
    unknown = sorted(
        {n.operation for n in graph.nodes if n.operation not in LOWER and not elementwise(n)}
    )
    if unknown:
        raise BadInput(f"there is no C for {', '.join(unknown)} yet; torch and ONNX Runtime run it")
    program = Program(ranked, bits)
    maker = Maker(graph, shapes(graph), program)
    for number, (name, shape) in enumerate(graph.inputs.items()):
        steps = (strides or {}).get(name, contiguous(shape))
        ref = Ref(Buffer(math.prod(shape), f"in{number}"), shape, steps)
        maker.refs[name] = ref
        program.inputs.append(ref)
    for node in graph.nodes:
        if node.operation in LOWER:
            LOWER[node.operation](maker, node)
        elif not maker.absorbed(node) and not maker.deferred(node):
            maker.elements(node)
    for number, name in enumerate(graph.outputs):
        source = maker.ref(name)
        out = Ref(Buffer(source.size, f"out{number}"), source.shape, contiguous(source.shape))
        program.steps.append(Elements(out, [source], "{0}"))
        program.outputs.append(out)
    program.floats = placed(program.steps)
    return program


def shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Of every value, for one sample."""
    like = next(iter(graph.tensors.values()), torch.zeros(()))
    with torch.no_grad():
        found = values(graph, [torch.zeros(s).to(like) for s in graph.inputs.values()])
    return {name: tuple(v.shape) for name, v in found.items()}


def placed(steps: list[Step]) -> int:
    """Give every buffer its place in memory: first fit, over the time that it is used."""
    buffers: list[Buffer] = []
    for time, step in enumerate(steps):
        for buffer in (b.outer for b in (*step.reads, *step.writes)):
            if buffer.name:
                continue
            if buffer.first < 0:
                buffer.first = time
                buffers.append(buffer)
            buffer.last = time
    total = 0
    there: list[Buffer] = []
    for buffer in sorted(buffers, key=lambda b: -b.floats):
        need = -(-buffer.floats // 16) * 16
        offset = 0
        for other in sorted(there, key=lambda b: b.offset):
            if other.last < buffer.first or other.first > buffer.last:
                continue
            if offset + need <= other.offset:
                break
            offset = max(offset, other.offset + -(-other.floats // 16) * 16)
        buffer.offset = offset
        there.append(buffer)
        total = max(total, offset + need)
    return total
