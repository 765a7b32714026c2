"""From a file's bytes to a bundle: a form for the header, sizes before memory, every tensor accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from torch import Tensor

from bandstop.bundle.bundle import GRAPHS, READ, TENSORS, VERSION, Bundle
from bandstop.bundle.graphs import GRAPH, TYPES, from_header, ranks_of
from bandstop.bundle.order import Order
from bandstop.bundle.storage import STORAGES, index_type, restore
from bandstop.data.describe import VIEWS, Description
from bandstop.data.normalise import Normalisation
from bandstop.data.sequence import CLASSES
from bandstop.data.speed import SPEEDS
from bandstop.digest import digest
from bandstop.errors import BadInput, OtherVersion, several, short
from bandstop.graph import GraphNet
from bandstop.nn import AttentionGCN, CompactGCN, Shape
from bandstop.nn.attention_gcn import FUSIONS
from bandstop.prune import NEVER
from bandstop.read import KINDS, opened, parse_json, read_bytes
from bandstop.schema import FRACTION, Any_, Check, Fields, Many, Named, Number, OneOf, Text, Whole
from bandstop.skeleton import Skeleton

LARGEST, SMALL, TIMES = 2**28, 2**22, 256
"""Numbers of the largest tensors that are made: 1 GiB; and beyond 16 MiB, 256 times what the file holds.
A few bytes could ask for any memory; what compaction leaves has a value in every row and column."""

_SIZE = Whole(1, LARGEST)
_NAME = Text(1000, line=True)
FACTS = Fields(
    {},
    {
        "method": _NAME,
        "rate": FRACTION,
        "rate_target": FRACTION,
        "accuracy": FRACTION,
        "provenance": Fields(
            {},
            {
                "config": Named(Any_()),
                "data": _NAME,
                "fingerprint": _NAME,
                "fold": _NAME,
                "environment": Named(Any_()),
                "date": _NAME,
            },
            open=True,
        ),
    },
    open=True,
)
_ALWAYS: dict[str, Check] = {
    "version": _SIZE,
    "skeleton": Named(Any_()),
    "chunks": _SIZE,
    "view": OneOf(VIEWS),
    "trim": Number(0, 0.5, open=True),
    "classes": Many(_NAME, 1, CLASSES, distinct=True),
    "facts": FACTS,
}
_ORDER = Fields(
    {
        "weights": Whole(1, NEVER),
        "lowest": Number(0, 1, open=True),
        "highest": Number(0, 1, open=True),
    }
)
OF_GRAPH = Fields({**_ALWAYS, "speeds": OneOf((True, False)), "graph": GRAPH}, {"order": _ORDER})
"""The header of a bundle that holds a graph."""
HEADER = Fields(
    {
        **_ALWAYS,
        "nodes": _SIZE,
        "features": _SIZE,
        "shape": Fields(
            {
                "heads": _SIZE, "nodes": _SIZE, "features": _SIZE, "filters": _SIZE,
                "classes": _SIZE, "outputs": _SIZE, "fusion": OneOf(FUSIONS),
            }
        ),
        "storage": Fields(dict.fromkeys(TENSORS, OneOf(tuple(STORAGES)))),
    },
    {"order": _ORDER, "speeds": OneOf((True, False))},
)  # fmt: skip
"""That of a bundle that holds an attention GCN."""


def is_bundle(path: Path) -> bool:
    """Whether a file is called as bundles are, or begins as they do; if it is sound `load_bundle` says."""
    if path.suffix == ".bandstop":
        return True
    try:
        with opened(path, "bundle") as (file, size):
            start = file.read(9)
    except BadInput:
        return False
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") < size


def load_bundle(path: str | Path) -> Bundle:
    """Read a bundle. Nothing in it is ever executed or unpickled.

    Errors: BadInput for a file that is missing, cut short, altered, no bundle, or of a newer format.
    """
    return from_bytes(read_bytes(Path(path), "bundle"), str(path))


def from_bytes(content: bytes, name: str = "the bundle") -> Bundle:
    """The bundle that `to_bytes` wrote. Errors: as `load_bundle`."""
    remedy = KINDS["bundle"].remedy
    try:
        tensors = load_tensors(content)
        length = int.from_bytes(content[:8], "little")
        plain = parse_json(content[8 : 8 + length].decode(), "its header", "mend it")
    except Exception as error:  # on damaged files safetensors and torch raise whatever comes
        raise BadInput(f"{name} is cut short or no bundle ({_why(error)}); {remedy}") from error
    metadata = plain.get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(text := metadata.get("bandstop"), str):
        raise BadInput(f"{name} is a safetensors file but no bundle of bandstop; {remedy}")
    try:
        header = parse_json(text, "it", "mend it")
        version = header["version"]
    except (BadInput, LookupError, TypeError) as error:
        raise BadInput(f"{name} has a damaged header ({_why(error)}); {remedy}") from error
    if type(version) is not int or version not in READ:
        raise OtherVersion(
            f"{name} is a bundle of format {short(version)}, and this bandstop reads formats "
            f"{' and '.join(map(str, READ))}; update bandstop, or design the network anew"
        )
    if metadata.get("sha256") != digest(text, tensors):
        raise BadInput(f"{name} was altered after it was written: its checksum differs; {remedy}")
    try:
        read = _with_graph if version == GRAPHS else _assemble
        return read(header, tensors, len(content))
    except Exception as error:
        raise BadInput(f"{name} is not a usable bundle: {_why(error)}; {remedy}") from error


def _with_graph(header: dict[str, Any], tensors: Mapping[str, Tensor], size: int) -> Bundle:
    """A bundle of format 4."""
    OF_GRAPH.check(header, "its header")
    graph = from_header(header["graph"], tensors, min(LARGEST, max(SMALL, TIMES * size)))
    described = _description(header)
    known = TYPES.keys() | {"mean", "std"}
    if odd := (tensors.keys() - known) | ({"mean", "std"} - tensors.keys()):
        raise BadInput(f"its tensors {several(sorted(odd), 5)} are missing or unknown")
    sizes = {"mean": (torch.float32, described.size), "std": (torch.float32, _kinds(header))}
    _require_like(tensors, sizes)
    _require_finite(tensors)
    ranks: dict[str, Tensor] = {}
    if ("order" in header) != ("ranks" in tensors):
        raise BadInput("it must have both an order and ranks, or neither")
    if "order" in header:
        ranks = ranks_of(graph, header["graph"].get("ranked", []), tensors["ranks"], NEVER)
        _require_ranks(tensors["ranks"].long(), header["order"]["weights"])
    return Bundle(
        GraphNet(graph).eval().requires_grad_(False),
        described,
        Normalisation(tensors["mean"], tensors["std"].reshape(-1)),
        tuple(header["classes"]),
        header["facts"],
        Order(ranks, **header["order"]) if "order" in header else None,
    )


def _description(header: Mapping[str, Any]) -> Description:
    skeleton = Skeleton.from_dict(header["skeleton"])
    if skeleton.to_dict() != header["skeleton"]:
        raise BadInput(f"its skeleton must have {', '.join(skeleton.to_dict())}")
    return Description(
        skeleton, header["chunks"], header["view"], float(header["trim"]), header.get("speeds", False)
    )  # fmt: skip


def _why(error: Exception) -> str:
    if isinstance(error, BadInput):
        return " ".join(line.strip() for line in str(error).splitlines())
    return str(error).partition("\n")[0] or type(error).__name__  # torch adds pages


def _assemble(header: dict[str, Any], tensors: Mapping[str, Tensor], size: int) -> Bundle:
    HEADER.check(header, "its header")
    if ("speeds" in header) != (header["version"] == VERSION):
        raise BadInput(f"its header must have speeds in format {VERSION}, and only there")
    described = _description(header)
    shape = Shape(**header["shape"])
    _require_sizes(shape, header, size)
    _require_tensors(shape, header, tensors)
    net = AttentionGCN(shape, scales=dict.fromkeys(TENSORS, 1.0))
    ranks: dict[str, Tensor] = {}
    with torch.no_grad():
        for name, extent in shape.tensors.items():
            parts = {
                k.removeprefix(f"{name}."): v
                for k, v in tensors.items()
                if k.startswith(f"{name}.") and k != f"{name}.ranks"
            }
            weight = restore(header["storage"][name], parts, extent)
            getattr(net, name).copy_(weight)
            if "order" in header:
                ranks[name] = torch.full(extent, NEVER)
                ranks[name][weight != 0] = tensors[f"{name}.ranks"].long()
        net.filter_bias.copy_(tensors["filter_bias"])
        net.class_bias.copy_(tensors["class_bias"])
    small = CompactGCN(
        net,
        tensors["joints"].long(),
        tensors["features"].long(),
        nodes=header["nodes"],
        all_features=header["features"],
    )
    return Bundle(
        small.eval().requires_grad_(False),
        described,
        Normalisation(tensors["mean"], tensors["std"].reshape(-1)),
        tuple(header["classes"]),
        header["facts"],
        Order(ranks, **header["order"]) if "order" in header else None,
    )


def _require_sizes(shape: Shape, header: Mapping[str, Any], size: int) -> None:
    """Errors: BadInput where a network asks for more than the file can stand for."""
    most = min(LARGEST, max(SMALL, TIMES * size))
    mixed = shape.heads * shape.features * shape.outputs + shape.channels * shape.outputs
    if (largest := max(shape.weights, mixed)) > most:
        raise BadInput(f"its network would have {largest} numbers, and {most} can be read")
    if max(shape.nodes, shape.outputs) > header["nodes"] or shape.features > header["features"]:
        raise BadInput(
            f"its network reads {shape.nodes} nodes and {shape.features} features and computes "
            f"{shape.outputs} nodes, of {header['nodes']} and {header['features']}"
        )


def _kinds(header: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of std: one number, in format 2 without an axis, or one for each kind of feature."""
    if header["version"] == 2:
        return ()
    return (1 + len(SPEEDS) * header["speeds"],)


def _require_tensors(
    shape: Shape, header: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Errors: BadInput where tensors are missing, unknown, or not of the header's type and size."""
    sizes: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {
        "filter_bias": (torch.float32, (shape.channels,)),
        "class_bias": (torch.float32, (shape.classes,)),
        "mean": (torch.float32, (header["nodes"], header["features"])),
        "std": (torch.float32, _kinds(header)),
        "joints": (torch.int32, (shape.nodes,)),
        "features": (torch.int32, (shape.features,)),
    }
    parts = {
        f"{name}.{part}" for name in TENSORS for part in STORAGES[header["storage"][name]].parts
    }
    if "order" in header:
        kind = index_type(header["order"]["weights"])
        for name in TENSORS:
            kept = int((tensors[f"{name}.values"] != 0).sum())
            sizes[f"{name}.ranks"] = (kind, (kept,))
    if odd := tensors.keys() ^ (sizes.keys() | parts):
        raise BadInput(f"its tensors {several(sorted(odd), 5)} are missing or unknown")
    _require_like(tensors, sizes)
    _require_finite(tensors)
    if "order" in header:
        every = torch.cat([tensors[f"{name}.ranks"].long() for name in TENSORS])
        _require_ranks(every, header["order"]["weights"])


def _require_like(
    tensors: Mapping[str, Tensor], sizes: Mapping[str, tuple[torch.dtype, tuple[int, ...]]]
) -> None:
    """Errors: BadInput where a tensor is of another type or size."""
    for key, (dtype, extent) in sizes.items():
        if tensors[key].dtype != dtype or tensors[key].shape != extent:
            raise BadInput(
                f"{key} is {tensors[key].dtype} {tuple(tensors[key].shape)}, not {dtype} {extent}"
            )


def _require_finite(tensors: Mapping[str, Tensor]) -> None:
    """Errors: BadInput for numbers that nothing can be computed with."""
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise BadInput(f"{key} has NaN or infinite values")
    if not (tensors["std"] >= torch.finfo(torch.float32).tiny).all():
        raise BadInput(f"std is {tensors['std'].tolist()}, and must be above 0")


def _require_ranks(every: Tensor, weights: int) -> None:
    """Errors: BadInput for ranks that are no order of the weights."""
    within = len(every) == 0 or 0 <= int(every.min()) <= int(every.max()) < weights
    if not within or len(every.unique()) < len(every):
        raise BadInput("its ranks must be whole numbers below the number of weights, each once")
