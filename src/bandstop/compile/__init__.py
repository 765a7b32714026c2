"""From a small network to a file that runs in time proportional to the work that is left.

graph = lower(net, description, normalisation, classes)     # ir.py, lower.py
graph = run_passes(graph)                                   # passes/, verified between
made = emit(graph, "wave", facts)                           # c/, one operation a file
native = native_of(made, shape, classes)                    # build.py, native.py
prove(net, native, check_signals(*shape), "...")            # proof.py
"""

from bandstop.compile.api import Options, compile_c, compile_native
from bandstop.compile.build import Compiler, find_compiler
from bandstop.compile.c import CSource, Layer, emit
from bandstop.compile.interpret import run
from bandstop.compile.ir import Constant, Graph, Node, Storage
from bandstop.compile.lower import lower
from bandstop.compile.native import Answer, Native, native_of
from bandstop.compile.passes import EXACT, PASSES, run_passes
from bandstop.compile.proof import Proof, check_signals, prove
from bandstop.compile.verify import verify

__all__ = [
    "EXACT", "PASSES", "Answer", "CSource", "Compiler", "Constant", "Graph", "Layer", "Native", "Node",
    "Options", "Proof", "Storage", "check_signals", "compile_c", "compile_native", "emit",
    "find_compiler", "lower", "native_of", "prove", "run", "run_passes", "verify",
]  # fmt: skip
