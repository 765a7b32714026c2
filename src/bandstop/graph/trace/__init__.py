"""Any `nn.Module` as a graph, by `torch.export`."""

from bandstop.graph.trace.program import trace

__all__ = ["trace"]
