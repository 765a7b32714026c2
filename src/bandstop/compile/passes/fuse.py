"""Fusion: what follows a product element by element is done while its result is still in registers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bandstop.compile.ir import Constant, Graph, Node

CHAIN = ("join", "bias", "relu")


@dataclass(frozen=True)
class Fuse:
    """filter, join, bias, relu -> filter_relu; mix, join, bias, relu -> mix_relu; dense,
    (scale,) bias -> dense_bias."""

    name: str = "fuse bias and relu"
    needs: tuple[str, ...] = ("dense",)

    def apply(self, graph: Graph) -> Graph:
        for i, node in enumerate(graph.nodes):
            rest = graph.nodes[i + 1 :]
            follows = tuple(n.operation for n in rest)
            if node.operation in ("filter", "mix") and follows[:3] == CHAIN:
                join, bias, relu = rest[:3]
                made = Node(
                    f"{node.operation}_relu",
                    node.input,
                    relu.output,
                    {**node.constants, "bias": bias.constants["bias"]},
                    dict(join.attributes),
                )
                return self.apply(graph.replaced((node, join, bias, relu), (made,)))
            if node.operation == "dense" and follows[:2] == ("scale", "bias"):
                scale, bias = rest[:2]
                own = {"scale": scale.constants["scale"], "bias": bias.constants["bias"]}
                made = Node("dense_bias", node.input, bias.output, {**node.constants, **own})
                return self.apply(graph.replaced((node, scale, bias), (made,)))
            if node.operation == "dense" and follows[:1] == ("bias",):
                one = Constant("class_scale", np.ones(len(graph.classes)))
                scale = Node("scale", node.output, f"{node.output}_scaled", {"scale": one.name})
                bias = replace(rest[0], input=scale.output)
                return self.apply(graph.replaced((node, rest[0]), (node, scale, bias), one))
        return graph
