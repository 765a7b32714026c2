"""What a graph means: each node's rule, one after the other, in NumPy and double precision."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bandstop.compile.ir import Graph
from bandstop.compile.rules import RULES
from bandstop.errors import BadInput


def run(graph: Graph, name: str, value: np.ndarray) -> Mapping[str, np.ndarray]:
    """Every value that follows from handing in `value` as `name` ("frames" or "signal").

    Errors: BadInput for a name that is no input, or a value of another shape.
    """
    if name not in graph.inputs:
        raise BadInput(f"the graph takes {', '.join(graph.inputs)}, not {name!r}")
    wanted = graph.inputs[name]
    if len(value.shape) != len(wanted) or any(
        w not in (0, v) for w, v in zip(wanted, value.shape, strict=True)
    ):
        raise BadInput(f"{name} must be {wanted} (0: any number), not {value.shape}")
    values = {name: np.asarray(value, dtype=np.float64)}
    for node in graph.nodes:
        if node.input in values and node.output not in values:
            constants = {role: graph.constants[c].data for role, c in node.constants.items()}
            rule = RULES[node.operation]
            values[node.output] = rule.compute(values[node.input], constants, node.attributes)
    return values
