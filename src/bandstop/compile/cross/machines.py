"""The machines that can be built for: a literal table."""

from __future__ import annotations

from dataclasses import dataclass

from bandstop.errors import BadInput, nearest


@dataclass(frozen=True)
class Machine:
    """target  as ziglang calls it; flags: its instructions; emulator: the command that runs its programs"""

    target: str
    flags: tuple[str, ...]
    emulator: str
    words: str


MACHINES = {
    "aarch64": Machine(
        "aarch64-linux-musl", ("-mcpu=cortex_a53",), "qemu-aarch64-static", "64-bit ARM, NEON"
    ),
    "armv7": Machine(
        "arm-linux-musleabihf", ("-mcpu=cortex_a7",), "qemu-arm-static", "32-bit ARM, NEON"
    ),
    "riscv64": Machine(
        "riscv64-linux-musl", ("-mcpu=baseline_rv64",), "qemu-riscv64-static", "64-bit RISC-V"
    ),
}


def machine_of(name: str) -> Machine:
    """Errors: BadInput for a machine that is not in the table."""
    if name not in MACHINES:
        raise BadInput(
            f"--cross must be one of {', '.join(MACHINES)}, not {name!r}{nearest(name, MACHINES)}"
        )
    return MACHINES[name]
