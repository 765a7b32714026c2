"""The ONNX target: a model of few nodes, and ONNX Runtime as its proof."""

from bandstop.compile.onnx.api import OnnxFile, compile_onnx
from bandstop.compile.onnx.model import copying, model
from bandstop.compile.onnx.runtime import Runtime

__all__ = ["OnnxFile", "Runtime", "compile_onnx", "copying", "model"]
