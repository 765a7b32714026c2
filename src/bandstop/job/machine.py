"""The machine a run is made on: its device, its threads, and what a record says of it."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from bandstop.errors import BadInput
from bandstop.text import shown


@contextlib.contextmanager
def calm_torch() -> Iterator[None]:
    """One thread and no denormal numbers while a small network trains; the old thread count after.

    Two threads on products this small wait for each other; soft masks make denormals, which cost
    several times the rest (docs/decisions).
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def products(precision: str) -> Iterator[None]:
    """While it is entered matrix products are made in float32 ("full"), or by bfloat16 or TensorFloat32
    units where the processor has them ("medium"); sums are float32 always."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision({"full": "highest"}.get(precision, precision))
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def device_named(name: str) -> torch.device:
    """cpu, cuda, or auto: cuda where there is one. Errors: BadInput for cuda without a GPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput("device cuda: torch sees no GPU here; use --device cpu or auto")
    return torch.device(name)


def environment(device: torch.device) -> dict[str, Any]:
    """Versions, processor, threads: what it takes to make the same numbers again."""
    found = {
        "bandstop": _version("bandstop"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": _version("numpy"),
        "system": platform.platform(),
        "processor": _processor(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
    }
    return {k: shown(v) if isinstance(v, str) else v for k, v in found.items()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
