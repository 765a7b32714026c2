"""What comes out of an export, and what every exported file says about where it comes from."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandstop.compile import CSource, Layer
from bandstop.errors import BadInput
from bandstop.files import beside

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle


@dataclass(frozen=True)
class Exported:
    """What was made: bytes and multiply-accumulates a layer, the proof, the files."""

    layers: tuple[Layer, ...]
    flash: int
    scratch: int
    macs: int
    proof: str
    files: tuple[Path, ...]

    @classmethod
    def of(cls, made: CSource, files: tuple[Path, ...]) -> Exported:
        """Of generated C and the files it went into."""
        return cls(made.layers, made.flash, made.scratch, made.macs, made.facts["proof"], files)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "files": [str(path) for path in self.files]}


def origin(bundle: Bundle, command: str) -> dict[str, str]:
    """Command, the bundle's checksum, its rate; of many rates the file itself says which."""
    rate = bundle.facts.get("rate")
    found = {
        "command": command,
        "bundle": f"sha256 {hashlib.sha256(bundle.to_bytes()).hexdigest()}",
    }
    if bundle.order is None:
        found["rate"] = "unknown" if rate is None else f"{rate:.4f}"
    return found


def require_suffix(path: Path, suffix: str, target: str) -> None:
    """Errors: BadInput for a file whose name would say something else than its content."""
    if path.suffix != suffix:
        raise BadInput(
            f"the {target} target writes a {suffix} file, not {path.name!r}; end its name in {suffix}"
        )


def write_together(files: Mapping[Path, bytes | str]) -> None:
    """All of them or, where one cannot be written, none: a header without its source is of no use."""
    with contextlib.ExitStack() as stack:
        for path, content in files.items():
            part = stack.enter_context(beside(path))
            part.write_bytes(content.encode() if isinstance(content, str) else content)
