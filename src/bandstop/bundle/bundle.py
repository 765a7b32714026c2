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

from bandstop.bundle.graphs import kept_ranks, plain_names, to_header
from bandstop.bundle.nets import Facts, Net, facts_of, sizes_of
from bandstop.bundle.order import Order
from bandstop.bundle.storage import index_type, store
from bandstop.data.describe import Description, describe
from bandstop.data.normalise import Normalisation
from bandstop.data.sequence import Sequence
from bandstop.digest import digest
from bandstop.errors import BadInput, Failure
from bandstop.files import write_atomically
from bandstop.graph import GraphNet
from bandstop.nn import CompactGCN
from bandstop.skeleton import Skeleton
from bandstop.text import one_line, texts

if TYPE_CHECKING:
    from bandstop.bundle.export import Exported
    from bandstop.compile import Native

VERSION, GRAPHS = 3, 4
READ = (2, VERSION, GRAPHS)
"""Formats that are read: 2 had no speeds, and its std was a bare number; 4 holds a graph."""
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

    net: Net
    description: Description
    normalisation: Normalisation
    classes: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    order: Order | None = None

    def __post_init__(self) -> None:
        for label in self.classes:
            one_line(label, "bundle: a class's name")
        texts(self.facts, "bundle: facts")
        wanted, found = self.description.size, self.network
        for word, value, rule in [
            ("the network's signal", found.signal, wanted),
            ("the normalisation", tuple(self.normalisation.mean.shape), wanted),
            ("whether std has speeds", self.normalisation.speeds, self.description.speeds),
            ("the number of classes", found.classes, len(self.classes)),
        ]:
            if value != rule:
                raise BadInput(f"bundle: {word} is {value}, and its description asks for {rule}")
        if len(set(self.classes)) < len(self.classes):
            raise BadInput("bundle: class names must differ from each other")
        if not (found.limit >= 1 and self.normalisation.farthest(found.limit) > 0):
            raise BadInput(
                "bundle: its weights, mean and std are so far out of scale that every recording would "
                "overflow; design it again"
            )

    @property
    def skeleton(self) -> Skeleton:
        return self.description.skeleton

    @cached_property
    def network(self) -> Facts:
        """What the network reads and gives."""
        return facts_of(self.net)

    @cached_property
    def farthest(self) -> float:
        """The largest coordinate that a recording may have; see Normalisation.farthest."""
        return self.normalisation.farthest(self.network.limit)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """`weights_kept`, `macs` of a dense runtime, and `macs_sparse` where zeros are skipped."""
        return sizes_of(self.net, self.facts.get("weights_kept"))

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
        small, kept = self.order.at(self.net, rate)
        facts = {**self.facts, "rate": 1 - kept / self.order.weights, "rate_target": rate}
        facts.pop("accuracy", None)
        if isinstance(small, GraphNet):
            facts["weights_kept"] = kept
        small = small.requires_grad_(False)
        return Bundle(small, self.description, self.normalisation, self.classes, facts)

    def to_bytes(self) -> bytes:
        """The file's content; see docs/bundle.md."""
        said, tensors = (self._graph if isinstance(self.net, GraphNet) else self._attention)()
        tensors |= {"mean": self.normalisation.mean, "std": self.normalisation.std}
        header = said | {
            "skeleton": self.skeleton.to_dict(),
            "chunks": self.description.chunks,
            "view": self.description.view,
            "trim": self.description.trim,
            "speeds": self.description.speeds,
            "classes": list(self.classes),
            "facts": dict(self.facts),
        }
        if self.order is not None:
            header["order"] = {
                "weights": self.order.weights,
                "lowest": self.order.lowest,
                "highest": self.order.highest,
            }
        text = json.dumps(header, sort_keys=True)
        tensors = {name: t.cpu().contiguous() for name, t in tensors.items()}
        return _in_order(save_tensors(tensors, {"bandstop": text, "sha256": digest(text, tensors)}))

    def _attention(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What the header says of an attention GCN, and its tensors."""
        assert isinstance(self.net, CompactGCN)
        net, shape = self.net.net, self.net.shape
        tensors: dict[str, Tensor] = {
            "joints": self.net.joints.int(),
            "features": self.net.features.int(),
            "filter_bias": net.filter_bias.detach(),
            "class_bias": net.class_bias.detach(),
        }
        storage = {}
        for name, weight in net.weights().items():
            storage[name], parts = store(weight)
            tensors |= {f"{name}.{part}": value for part, value in parts.items()}
            if self.order is not None:
                ranks = self.order.ranks[name][weight != 0]
                tensors[f"{name}.ranks"] = ranks.to(index_type(self.order.weights))
        sizes = {
            "heads": shape.heads, "nodes": shape.nodes, "features": shape.features,
            "filters": shape.filters, "classes": shape.classes, "fusion": shape.fusion,
            "outputs": shape.outputs,
        }  # fmt: skip
        said = {
            "version": VERSION, "nodes": self.net.nodes, "features": self.net.all_features,
            "shape": sizes, "storage": storage,
        }  # fmt: skip
        return said, tensors

    def _graph(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What the header says of a graph, and its tensors."""
        assert isinstance(self.net, GraphNet)
        graph, names = plain_names(self.net.graph_now)
        said, tensors = to_header(graph)
        if self.order is not None:
            ranks = {names[name]: rank for name, rank in self.order.ranks.items() if name in names}
            tensors["ranks"] = kept_ranks(graph, ranks)
            said["ranked"] = sorted(ranks)
        return {"version": GRAPHS, "graph": said}, tensors

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
