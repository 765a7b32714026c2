"""The rules that every graph keeps, checked between passes: a pass that breaks one is named at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bandstop.compile.interpret import run
from bandstop.compile.ir import Graph, Node
from bandstop.compile.layout import padded
from bandstop.compile.rules import RULES
from bandstop.errors import Failure, listed

Problems = list[str]


def shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The shape of every value. Errors: Failure where an operation cannot take what it is given."""
    found = dict(graph.inputs)
    for node in graph.nodes:
        given = {role: graph.constants[c].data.shape for role, c in node.constants.items()}
        made = RULES[node.operation].shape(found[node.input], given, node.attributes)
        if made is None:
            raise Failure(
                f"{node.operation} -> {node.output} cannot take {found[node.input]} with {given}"
            )
        found[node.output] = made
    return found


def known_operations(graph: Graph) -> Problems:
    """Every operation is in the table, with the constants and attributes that it asks for."""
    problems = []
    for node in graph.nodes:
        rule = RULES.get(node.operation)
        if rule is None:
            problems.append(f"operation {node.operation!r} is not in the table")
            continue
        for word, has, wants in [
            ("constants", set(node.constants), set(rule.constants)),
            ("attributes", set(node.attributes), set(rule.attributes)),
        ]:
            if has != wants:
                problems.append(
                    f"{node.operation} has {word} {sorted(has)} and wants {sorted(wants)}"
                )
    return problems


def defined_once_before_use(graph: Graph) -> Problems:
    """Every value is made by one node, before anybody reads it; what is handed in may be made too."""
    problems, made = [], set(graph.inputs)
    first = graph.nodes[0].input if graph.nodes else None
    outputs = [n.output for n in graph.nodes]
    problems += [
        f"{name} is made twice" for name in sorted(set(outputs)) if outputs.count(name) > 1
    ]
    if first not in graph.inputs:
        problems.append(f"the first node reads {first}, which is not handed in")
    for node in graph.nodes:
        if node.input not in made:
            problems.append(f"{node.operation} reads {node.input} before it is made")
        made.add(node.output)
    problems += [f"output {name} is never made" for name in graph.outputs if name not in made]
    return problems


def constants_in_order(graph: Graph) -> Problems:
    """Constants bear their own names, are all used, finite, and not writable."""
    used = {c for n in graph.nodes for c in n.constants.values()}
    problems = [f"constant {name} is missing" for name in sorted(used - set(graph.constants))]
    problems += [f"constant {name} is not used" for name in sorted(set(graph.constants) - used)]
    for name, constant in graph.constants.items():
        if constant.name != name:
            problems.append(f"constant {constant.name} stands under the name {name}")
        if constant.data.flags.writeable:
            problems.append(f"constant {name} can be written to")
        if constant.bits == 8 and (
            np.abs(constant.data).max(initial=0) > 127 or (constant.data % 1 != 0).any()
        ):
            problems.append(f"constant {name} does not fit into 8 bits")
        if not np.isfinite(constant.data).all():
            problems.append(f"constant {name} has NaN or infinite entries")
    return problems


def shapes_fit(graph: Graph) -> Problems:
    """Every operation can take what it is given, and the logits are one for each class."""
    try:
        found = shapes(graph)
    except Failure as error:
        return [str(error)]
    if "logits" in found and found["logits"] != (len(graph.classes),):
        return [f"logits are {found['logits']}, and there are {len(graph.classes)} classes"]
    return []


def indices_in_range(graph: Graph) -> Problems:
    """Positions that constants hold lie within what they point into."""
    problems, found = [], shapes(graph)
    for node in graph.nodes:
        if node.operation in ("read", "affine"):
            for axis, role in enumerate(("joints", "features")):
                index, limit = graph.constant(node, role).data, found[node.input][axis]
                if index.size and not (index.min() >= 0 and index.max() < limit):
                    problems.append(f"{node.operation}: {role} must be below {limit}")
        if node.operation == "paths":
            source = graph.constant(node, "sources").data
            limit = int(np.prod(found[node.input]))
            if source.size and not (source.min() >= 0 and source.max() < limit):
                problems.append(f"paths: sources must be below {limit}")
            starts = graph.constant(node, "starts").data
            if starts[0] != 0 or starts[-1] != source.size or (np.diff(starts) < 0).any():
                problems.append("paths: starts must rise from 0 to the number of sources")
            pairs = graph.constant(node, "pairs").data
            if pairs.size and (pairs.min() < 0 or (pairs.max(0) >= found[node.output]).any()):
                problems.append(f"paths: pairs must lie within {found[node.output]}")
    return problems


def nothing_overflows(graph: Graph) -> Problems:
    """With every number its magnitude, a signal at the graph's reach stays below the largest float32
    in every value: so no signal within it can overflow, whatever cancels. Constants fit as well."""
    largest = float(np.finfo(np.float32).max)
    problems = [
        f"constant {name} has entries beyond the largest float32"
        for name, c in graph.constants.items()
        if np.abs(c.data).max(initial=0) > largest
    ]
    magnitudes = {n: replace(c, data=np.abs(c.data)) for n, c in graph.constants.items()}
    signal = np.full(graph.inputs["signal"], graph.reach)
    with np.errstate(over="ignore", invalid="ignore"):
        values = run(replace(graph, constants=magnitudes), "signal", signal)
    problems += [
        f"{name} may overflow within the reach of {graph.reach:.3g}"
        for name, value in values.items()
        if not np.abs(value).max(initial=0) <= largest
    ]
    return problems


def positions_fit(graph: Graph) -> Problems:
    """A stored position is wide enough for the largest that it may have to hold."""
    problems = []
    for node in graph.nodes:
        for role, name in node.constants.items():
            storage = graph.constants[name].storage
            if storage is not None and storage.index_bits:
                largest = max(0, places(graph, node, role) - 1)
                if largest >> storage.index_bits:
                    problems.append(
                        f"{name}: position {largest} needs more than {storage.index_bits} bits"
                    )
    return problems


def places(graph: Graph, node: Node, role: str) -> int:
    """How many places a weight of this tensor may be multiplied with: nodes, rows or values of h."""
    data, given = graph.constant(node, role).data, shapes(graph)[node.input]
    if role == "attention":
        return data.shape[2]
    if role == "filters":
        return data.shape[1] * (1 if len(given) == 2 else data.shape[0])
    made, storage = graph.node("paths"), graph.constant(node, role).storage
    if storage is not None and storage.kind == "lanes":
        return data.shape[1]
    if made is not None:
        return padded(len(graph.constant(made, "pairs").data))
    return data.shape[0] * padded(data.shape[1])


def buffers_apart(graph: Graph) -> Problems:
    """No two values share memory while both are alive, and every buffer is aligned."""
    problems = []
    for i, one in enumerate(graph.buffers):
        if one.offset % 16 or one.offset < 0 or one.floats < 0:
            problems.append(
                f"buffer of {one.value} starts at float {one.offset}, not at a multiple of 16"
            )
        for other in graph.buffers[i + 1 :]:
            together = one.alive[0] <= other.alive[1] and other.alive[0] <= one.alive[1]
            overlap = (
                one.offset < other.offset + other.floats and other.offset < one.offset + one.floats
            )
            if together and overlap:
                problems.append(f"{one.value} and {other.value} share memory while both are alive")
    return problems


CHECKS: tuple[Callable[[Graph], Problems], ...] = (
    known_operations,
    defined_once_before_use,
    constants_in_order,
    shapes_fit,
    indices_in_range,
    positions_fit,
    nothing_overflows,
    buffers_apart,
)
"""In this order: each may rely on the ones before it."""


def verify(graph: Graph, after: str) -> Graph:
    """The graph itself, if it keeps every rule. Errors: Failure, naming the pass and what it broke."""
    for check in CHECKS:
        problems = check(graph)
        if problems:
            raise Failure(
                f"compile: after {after} the graph breaks a rule: {listed(problems)}; please report "
                "this with the bundle"
            )
    return graph
