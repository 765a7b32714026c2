"""How a tensor with zeros is stored: whole, as a bit mask and values, or as indices and values.

The smallest of the three is taken; all give the same float32 numbers back, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bandstop.errors import BadInput

Parts = dict[str, Tensor]


def index_type(count: int) -> torch.dtype:
    return torch.uint16 if count <= 1 << 16 else torch.int32


def _pack_bits(mask: Tensor) -> Tensor:
    padded = torch.nn.functional.pad(mask.to(torch.uint8), (0, -len(mask) % 8)).view(-1, 8)
    place = 2 ** torch.arange(8, dtype=torch.uint8)
    return (padded * place).sum(dim=1).to(torch.uint8)


def _unpack_bits(bits: Tensor, count: int) -> Tensor:
    place = 2 ** torch.arange(8, dtype=torch.uint8)
    return (bits[:, None] & place).bool().flatten()[:count]


def _encode_whole(flat: Tensor) -> Parts:
    return {"values": flat.clone()}


def _decode_whole(parts: Parts, flat: Tensor) -> None:
    _require(parts["values"].shape == flat.shape, "values must be one for each entry")
    flat.copy_(parts["values"])


def _encode_bits(flat: Tensor) -> Parts:
    mask = flat != 0
    return {"values": flat[mask], "bits": _pack_bits(mask)}


def _decode_bits(parts: Parts, flat: Tensor) -> None:
    bits, values = parts["bits"], parts["values"]
    _require(bits.dtype == torch.uint8 and bits.shape == (-(-len(flat) // 8),), "bits are no mask")
    mask = _unpack_bits(bits, 8 * len(bits))
    _require(not mask[len(flat) :].any(), "bits go beyond the tensor")
    _require(values.shape == (int(mask.sum()),), "values must be one for each bit")
    flat[mask[: len(flat)]] = values


def _encode_index(flat: Tensor) -> Parts:
    index = flat.nonzero().flatten()
    return {"values": flat[index], "index": index.to(index_type(len(flat)))}


def _decode_index(parts: Parts, flat: Tensor) -> None:
    index, values = parts["index"], parts["values"]
    _require(index.dtype == index_type(len(flat)), f"index must be {index_type(len(flat))}")
    _require(index.dim() == 1 and values.shape == index.shape, "values must be one for each index")
    places = index.long()
    rising = len(places) < 2 or bool((places.diff() > 0).all())
    within = len(places) == 0 or (int(places[0]) >= 0 and int(places[-1]) < len(flat))
    _require(rising and within, f"index must rise from 0 at least to below {len(flat)}")
    flat[places] = values


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise BadInput(f"storage: {rule}")


@dataclass(frozen=True)
class Storage:
    """One way: what is written for a flat tensor, how zeros are filled again, and what is written."""

    encode: Callable[[Tensor], Parts]
    decode: Callable[[Parts, Tensor], None]
    parts: tuple[str, ...]


STORAGES: dict[str, Storage] = {
    "whole": Storage(_encode_whole, _decode_whole, ("values",)),
    "bits": Storage(_encode_bits, _decode_bits, ("values", "bits")),
    "index": Storage(_encode_index, _decode_index, ("values", "index")),
}


def bytes_of(parts: Parts) -> int:
    return sum(p.numel() * p.element_size() for p in parts.values())


def store(tensor: Tensor) -> tuple[str, Parts]:
    """The name of the smallest storage, and its parts."""
    flat = tensor.detach().cpu().float().flatten()
    ways = {name: storage.encode(flat) for name, storage in STORAGES.items()}
    best = min(ways, key=lambda name: bytes_of(ways[name]))
    return best, ways[best]


def restore(kind: str, parts: Parts, shape: tuple[int, ...]) -> Tensor:
    """The tensor that was stored. Errors: BadInput for parts that do not fit it or each other."""
    storage, values = STORAGES[kind], parts.get("values")
    if parts.keys() != set(storage.parts) or values is None or values.dtype != torch.float32:
        raise BadInput(f"storage {kind} has {', '.join(storage.parts)}, its values float32")
    _require(kind == "whole" or bool((values != 0).all()), "a value that is written must not be 0")
    flat = torch.zeros(math.prod(shape))
    storage.decode(parts, flat)
    return flat.view(shape)
