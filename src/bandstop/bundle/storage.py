"""How a tensor with zeros is stored: whole, as a bit mask and values, or as indices and values.

The smallest of the three is taken; all give the same float32 numbers back, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

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
    flat.copy_(parts["values"])


def _encode_bits(flat: Tensor) -> Parts:
    mask = flat != 0
    return {"values": flat[mask], "bits": _pack_bits(mask)}


def _decode_bits(parts: Parts, flat: Tensor) -> None:
    flat[_unpack_bits(parts["bits"], len(flat))] = parts["values"]


def _encode_index(flat: Tensor) -> Parts:
    index = flat.nonzero().flatten()
    return {"values": flat[index], "index": index.to(index_type(len(flat)))}


def _decode_index(parts: Parts, flat: Tensor) -> None:
    flat[parts["index"].long()] = parts["values"]


@dataclass(frozen=True)
class Storage:
    """One way: what is written for a flat tensor, and how zeros are filled again."""

    encode: Callable[[Tensor], Parts]
    decode: Callable[[Parts, Tensor], None]


STORAGES: dict[str, Storage] = {
    "whole": Storage(_encode_whole, _decode_whole),
    "bits": Storage(_encode_bits, _decode_bits),
    "index": Storage(_encode_index, _decode_index),
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
    """The tensor that was stored."""
    flat = torch.zeros(int(torch.tensor(shape).prod()))
    STORAGES[kind].decode(parts, flat)
    return flat.view(shape)
