"""Bundle: the delivered model, from raw frames to class names, in one safetensors file. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import save as save_tensors
from torch import Tensor

from bandstop.bundle.order import Order
from bandstop.bundle.storage import index_type, store
from bandstop.data.describe import Description, Normalisation, describe
from bandstop.data.sequence import Sequence
from bandstop.digest import digest
from bandstop.errors import BadInput
from bandstop.files import write_atomically
from bandstop.nn import CompactGCN
from bandstop.skeleton import Skeleton
from bandstop.text import one_line, texts

if TYPE_CHECKING:
    from bandstop.bundle.export import Exported
    from bandstop.compile import Native

VERSION = 2
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
            ("the number of classes", self.net.shape.classes, len(self.classes)),
        ]:
            if value != rule:
                raise BadInput(f"bundle: {word} is {value}, and its description asks for {rule}")
        if len(set(self.classes)) < len(self.classes):
            raise BadInput("bundle: class names must differ from each other")

    @property
    def skeleton(self) -> Skeleton:
        return self.description.skeleton

    def signal(self, sequences: list[Sequence]) -> Float[Tensor, "batch node feature"]:
        """Raw recordings -> normalised signals. Errors: BadInput for another number of nodes."""
        for s in sequences:
            if s.positions.shape[1] != self.skeleton.nodes:
                raise BadInput(
                    f"{s.name} has {s.positions.shape[1]} nodes, but the network reads "
                    f"{self.skeleton.nodes} ({self.skeleton.name}); record with that skeleton"
                )
        return self.normalisation(describe(sequences, self.description))

    @torch.no_grad()
    def predict(self, sequence: Sequence | np.ndarray) -> Prediction:
        """Class and probabilities of one recording: a Sequence, or positions (frames, nodes, 3)."""
        if not isinstance(sequence, Sequence):
            sequence = Sequence("recording", np.asarray(sequence))
        p = self.net(self.signal([sequence])).softmax(dim=1)[0].tolist()
        probabilities = dict(zip(self.classes, p, strict=True))
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

    def compile(self) -> Native:
        """The network as C for this machine, proven: `native(signal)` gives logits of NumPy signals,
        single or batched, `native.frames(positions)` answers for raw frames.

        Errors: Failure where there is no C compiler.
        """
        from bandstop.bundle.export import compiled

        return compiled(self, "net", "Bundle.compile")[1]

    def export(self, path: str | Path) -> Exported:
        """Write the network for another machine; the suffix says what: .c (with a header beside),
        .onnx, or .wasm (with its loader beside)."""
        from bandstop.bundle.export import export

        return export(self, Path(path))

    @property
    def bytes(self) -> int:
        return len(self.to_bytes())


def _in_order(content: bytes) -> bytes:
    """The same file with its metadata in order: safetensors writes them in any, and one network
    should be one file, byte by byte."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]
