"""The generated C as an object file for another machine, proven in an emulator where there is one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import numpy as np

from bandstop.compile.build import SECONDS
from bandstop.compile.c import CSource
from bandstop.compile.cross.machines import Machine
from bandstop.compile.cross.toolchain import built
from bandstop.compile.folder import temporary_folder
from bandstop.compile.proof import Engine, check_signals, prove
from bandstop.errors import Failure

MAIN = r"""
#include "$name.h"
#include <stdio.h>
static _Alignas(64) char scratch[$NAME_SCRATCH_BYTES];
int main(void)
{
    static float signal[$NAME_NODES * $NAME_FEATURES];
    static ${name}_answer answer;
    while (fread(signal, sizeof signal, 1, stdin) == 1) {
        const int code = ${name}_from_signal(signal, $NAME_NODES, $NAME_FEATURES, scratch,
                                             sizeof scratch, &answer);
        if (code) return 100 - code;
        fwrite(answer.logits, sizeof answer.logits, 1, stdout);
    }
    return 0;
}
"""
"""A program that answers for signals from its input."""


def named(template: str, name: str) -> str:
    return template.replace("${name}", name).replace("$name", name).replace("$NAME", name.upper())


def object_file(
    made: CSource, machine: Machine, one: Engine, shape: tuple[int, int], classes: int
) -> tuple[bytes, str]:
    """The object file, and the proof in words: `one` is what it must compute.

    Where the emulator is not installed the words say so: the same C was proven on this machine.
    Errors: Failure where ziglang is missing, or where the two compute different things.
    """
    sources = {f"{made.name}.c": made.source, f"{made.name}.h": made.header}
    with temporary_folder() as folder:
        output = folder / "net.o"
        content = built(sources, output, machine.target, (*machine.flags, "-c"))
        if shutil.which(machine.emulator) is None:
            return content, f"not run for {machine.target}: {machine.emulator} is not installed"
        program = folder / "program"
        sources["main.c"] = named(MAIN, made.name)
        built(sources, program, machine.target, (*machine.flags, "-static"))
        engine = in_emulator((machine.emulator, str(program)), classes)
        proof = prove(one, engine, check_signals(*shape), f"here and on {machine.target}")
    return content, str(proof)


def in_emulator(command: tuple[str, ...], classes: int) -> Engine:
    """Signals through a program's input and output."""

    def engine(signals: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        given = np.ascontiguousarray(np.asarray(signals), dtype=np.float32).tobytes()
        try:
            done = subprocess.run(command, input=given, capture_output=True, timeout=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"{command[0]} could not be run: {error}") from error
        if done.returncode:
            raise Failure(
                f"{command[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')[:200]}"
            )
        return np.frombuffer(done.stdout, dtype=np.float32).reshape(len(signals), classes)

    return engine
