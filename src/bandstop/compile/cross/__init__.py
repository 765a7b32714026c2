"""The generated C for other machines: built with ziglang, run in an emulator where there is one."""

from bandstop.compile.cross.machines import MACHINES, Machine, machine_of
from bandstop.compile.cross.objects import object_file
from bandstop.compile.cross.toolchain import zig
from bandstop.compile.cross.wasm import wasm_module

__all__ = ["MACHINES", "Machine", "machine_of", "object_file", "wasm_module", "zig"]
