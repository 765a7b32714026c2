"""A network in an ONNX file as a graph: read, never run."""

from bandstop.graph.onnx.file import from_onnx

__all__ = ["from_onnx"]
