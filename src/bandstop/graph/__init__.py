"""The network as a graph: any `nn.Module`, followed, judged and made smaller."""

from bandstop.graph.graph import Graph, Node
from bandstop.graph.module import GraphNet
from bandstop.graph.reach import fitting, live, needed, paths, reached
from bandstop.graph.run import run, values
from bandstop.graph.shrink import shrink
from bandstop.graph.trace import trace

__all__ = [
    "Graph", "GraphNet", "Node", "fitting", "live", "needed", "paths", "reached", "run", "shrink", "trace",
    "values",
]  # fmt: skip
