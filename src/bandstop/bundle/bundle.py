"""Bundle: the delivered model, from raw frames to class names, in one safetensors file. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import save as save_tensors
from torch import Tensor

from bandstop.bundle.order import Order
from bandstop.bundle.storage import index_type, store
from bandstop.data.describe import Description, describe
from bandstop.data.normalise import Normalisation
from bandstop.data.sequence import Sequence
from bandstop.digest import digest
from bandstop.errors import BadInput, Failure
from bandstop.files import write_atomically
from bandstop.nn import CompactGCN, reach
from bandstop.skeleton import Skeleton
from bandstop.text import one_line, texts

if TYPE_CHECKING:
    from bandstop.bundle.export import Exported
    from bandstop.compile import Native

VERSION = 3
READ = (2, VERSION)
"""Formats that are read. 2 had no speeds, and its std was a bare number."""
TENSORS = ("attention", "filters", "dense")


@dataclass(frozen=True)
class Prediction:
    """The most probable class, and every class's probability (they sum to 1)."""

    label: str
    probabilities: dict[str, float]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A network with everything it needs: `predict` takes what a sensor gives.

    facts  method, rate, accuracy, provenance: whatever a reader should know; JSON, each text a line
    order  for a network of many rates: which weights stay at which
    """

    net: CompactGCN
    description: Description
    normalisation: Normalisation
    classes: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    order: Order | None = None

    def __post_init__(self) -> None:
        for label in self.classes:
            one_line(label, "bundle: a class's name")
        texts(self.facts, "bundle: facts")
        wanted = self.description.size
        for word, value, rule in [
            ("the network's signal", (self.net.nodes, self.net.all_features), wanted),
            ("the normalisation", tuple(self.normalisation.mean.shape), wanted),
            ("whether std has speeds", self.normalisation.speeds, self.description.speeds),
            ("the number of classes", self.net.shape.classes, len(self.classes)),
        ]:
            if value != rule:
                raise BadInput(f"bundle: {word} is {value}, and its description asks for {rule}")
        if len(set(self.classes)) < len(self.classes):
            raise BadInput("bundle: class names must differ from each other")
        limit = reach(self.net.net)
        if not (limit >= 1 and self.normalisation.farthest(limit) > 0):
            raise BadInput(
                "bundle: its weights, mean and std are so far out of scale that every recording would "
                "overflow; design it again"
            )

    @property
    def skeleton(self) -> Skeleton:
        return self.description.skeleton

    @cached_property
    def farthest(self) -> float:
        """The largest coordinate that a recording may have; see Normalisation.farthest."""
        return self.normalisation.farthest(reach(self.net.net))

    def signal(self, sequences: list[Sequence]) -> Float[Tensor, "batch node feature"]:
        """Raw recordings -> normalised signals.

        Errors: BadInput for another number of nodes, or a coordinate beyond `farthest`.
        """
        for s in sequences:
            if s.positions.shape[1] != self.skeleton.nodes:
                raise BadInput(
                    f"{s.name} has {s.positions.shape[1]} nodes, but the network reads "
                    f"{self.skeleton.nodes} ({self.skeleton.name}); record with that skeleton"
                )
            if not s.farthest <= self.farthest:
                raise BadInput(
                    f"{s.name} has a coordinate of {s.farthest:.3g}, and beyond {self.farthest:.3g} "
                    "nothing is left of the movement, or numbers overflow; repair or drop those frames"
                )
        return self.normalisation(describe(sequences, self.description))

    @overload
    def predict(self, recording: Sequence | np.ndarray) -> Prediction: ...

    @overload
    def predict(
        self, recording: list[Sequence] | list[np.ndarray] | tuple[Sequence, ...]
    ) -> list[Prediction]: ...

    @torch.no_grad()
    def predict(self, recording: Any) -> Prediction | list[Prediction]:
        """Class and probabilities of a recording, or of each of a list of recordings.

        A recording is a Sequence, or positions (frames, nodes, 3).
        Errors: BadInput for another number of nodes, or a coordinate that is not finite or so far out
        that numbers overflow.
        """
        if isinstance(recording, list | tuple) and all(map(_is_recording, recording)):
            return [self.predict(each) for each in recording]
        known = isinstance(recording, Sequence)
        sequence = recording if known else Sequence("recording", np.asarray(recording))
        logits = self.net(self.signal([sequence]))[0]
        if not logits.isfinite().all():
            raise Failure(f"{sequence.name}: the network overflows; design it again")
        probabilities = dict(zip(self.classes, logits.softmax(dim=0).tolist(), strict=True))
        return Prediction(max(probabilities, key=probabilities.__getitem__), probabilities)

    def at(self, rate: float, force: bool = False) -> Bundle:
        """The network of one rate, out of one trained for many: at once, without training or data.

        Exactly round((1 - rate) N) weights, or fewer where some of them are dead.
        force  also above the highest rate that was trained
        Errors: BadInput for a bundle of one rate, or a rate outside the trained range.
        """
        if self.order is None:
            raise BadInput(
                "this network was designed for one rate; design with method mrmp for any rate at once"
            )
        self.order.check(rate, force)
        small = self.order.at(self.net, rate)
        kept = sum(int((w != 0).sum()) for w in small.net.weights().values())
        facts = {**self.facts, "rate": 1 - kept / self.order.weights, "rate_target": rate}
        facts.pop("accuracy", None)
        small = small.requires_grad_(False)
        return Bundle(small, self.description, self.normalisation, self.classes, facts)

    def to_bytes(self) -> bytes:
        """The file's content; see docs/bundle.md."""
        net, shape = self.net.net, self.net.shape
        tensors: dict[str, Tensor] = {
            "joints": self.net.joints.int(),
            "features": self.net.features.int(),
            "filter_bias": net.filter_bias.detach(),
            "class_bias": net.class_bias.detach(),
            "mean": self.normalisation.mean,
            "std": self.normalisation.std,
        }
        storage = {}
        for name, weight in net.weights().items():
            storage[name], parts = store(weight)
            tensors |= {f"{name}.{part}": value for part, value in parts.items()}
            if self.order is not None:
                ranks = self.order.ranks[name][weight != 0]
                tensors[f"{name}.ranks"] = ranks.to(index_type(self.order.weights))
        header = {
            "version": VERSION,
            "skeleton": self.skeleton.to_dict(),
            "chunks": self.description.chunks,
            "view": self.description.view,
            "trim": self.description.trim,
            "speeds": self.description.speeds,
            "classes": list(self.classes),
            "nodes": self.net.nodes,
            "features": self.net.all_features,
            "shape": {
                "heads": shape.heads, "nodes": shape.nodes, "features": shape.features,
                "filters": shape.filters, "classes": shape.classes, "fusion": shape.fusion,
                "outputs": shape.outputs,
            },
            "storage": storage,
            "facts": dict(self.facts),
        }  # fmt: skip
        if self.order is not None:
            header["order"] = {
                "weights": self.order.weights,
                "lowest": self.order.lowest,
                "highest": self.order.highest,
            }
        text = json.dumps(header, sort_keys=True)
        tensors = {name: t.cpu().contiguous() for name, t in tensors.items()}
        return _in_order(save_tensors(tensors, {"bandstop": text, "sha256": digest(text, tensors)}))

    def save(self, path: str | Path) -> None:
        """Write the file: whole or not at all."""
        write_atomically(Path(path), self.to_bytes())

    def compile(self, optimize: str = "speed") -> Native:
        """The network as C for this machine, proven: `native(signal)` gives logits of NumPy signals,
        single or batched, `native.frames(positions)` answers for raw frames.

        optimize  "speed", "size" (the fewest bytes of weights) or "ram" (the least scratch memory)
        Errors: Failure where there is no C compiler.
        """
        from bandstop.bundle.export import compiled
        from bandstop.compile import Options

        return compiled(self, "net", "Bundle.compile", Options(optimize=optimize))[1]

    def export(self, path: str | Path, optimize: str = "speed") -> Exported:
        """Write the network for another machine; the suffix says what: .c (with a header beside),
        .onnx, or .wasm (with its loader beside). optimize: as for `compile`, of C and WebAssembly."""
        from bandstop.bundle.export import export

        return export(self, Path(path), optimize)

    @property
    def bytes(self) -> int:
        return len(self.to_bytes())


def _is_recording(value: object) -> bool:
    return isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim == 3)


def _in_order(content: bytes) -> bytes:
    """The same file with its metadata in order: safetensors writes them in any, and one network
    should be one file, byte by byte."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]
