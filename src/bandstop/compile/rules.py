"""What each operation is: its constants, its attributes, the shape it makes, and what it computes.

One literal table. `shape` takes the input's shape, the constants' shapes and the attributes; `compute`
takes the input and the constants as float64 and is the operation's meaning: C, ONNX and all else that
is made from a graph must agree with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bandstop.compile.integral import chunk_means, normalised, offset, placed
from bandstop.graph import run

Shapes = Mapping[str, tuple[int, ...]]
Arrays = Mapping[str, np.ndarray]
Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    constants: tuple[str, ...]
    attributes: tuple[str, ...]
    shape: Callable[[tuple[int, ...], Shapes, Attributes], tuple[int, ...] | None]
    """None: these shapes do not go together."""
    compute: Callable[[np.ndarray, Arrays, Attributes], np.ndarray]
    words: str


def _same(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    return x


def _chunks(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    fits = len(x) == 3 and x[2] == 3 and x[1] % a["bodies"] == 0
    return (a["chunks"], x[1], 3 + 2 * a["speeds"]) if fits else None


def _place(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    fits = len(x) == 3 and x[1] == a["bodies"] * a["joints"]
    return (x[1], x[2] * x[0]) if fits else None


def _normalise(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    return x if c["mean"] == x and _kinds(x, c["std"]) else None


def _affine(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    fits = _kinds(x, c["scale"]) and c["offset"] == (*c["joints"], *c["features"])
    return x if fits else None


def _kinds(x: tuple[int, ...], each: tuple[int, ...]) -> bool:
    """Positions alone, 3 features a chunk, or two speeds as well: a number for each kind."""
    return len(x) == 2 and each in ((1,), (3,)) and x[1] % (2 + each[0]) == 0


def _read(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    return (*c["joints"], *c["features"]) if len(x) == 2 else None


def _heads(x: tuple[int, ...], heads: int) -> tuple[int, ...] | None:
    """(node, width) shared by the heads, or (head, node, width): as (head, node, width)."""
    if len(x) == 2:
        return (heads, *x)
    return x if len(x) == 3 and x[0] == heads else None


def _mix(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    heads, outputs, nodes = c["attention"]
    full = _heads(x, heads)
    return (heads, outputs, full[2]) if full and full[1] == nodes else None


def _filter(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    heads, features, filters = c["filters"]
    full = _heads(x, heads)
    return (heads, full[1], filters) if full and full[2] == features else None


def _joined(x: tuple[int, ...] | None, fusion: str) -> tuple[int, ...] | None:
    if x is None or len(x) != 3:
        return None
    heads, nodes, filters = x
    return (filters if fusion == "sum" else heads * filters, nodes)


def _join(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    return _joined(x, a["fusion"])


def _layer_mix(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    out = _joined(_mix(x, c, a), a["fusion"])
    return out if out and c["bias"] == (out[0],) else None


def _layer_filter(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    out = _joined(_filter(x, c, a), a["fusion"])
    return out if out and c["bias"] == (out[0],) else None


def _bias(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    return x if c["bias"] == (x[0],) else None


def _dense(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    return (c["dense"][2],) if x == c["dense"][:2] else None


def _dense_bias(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    out = _dense(x, c, a)
    return out if out == c["bias"] == c["scale"] else None


def _scale(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    return x if c["scale"] == x else None


def _filter_dense(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    out = _layer_filter(x, c, a)
    fits = out is not None and out == c["dense"][:2]
    fits = fits and c["class_bias"] == c["scale"] == c["dense"][2:]
    return c["class_bias"] if fits else None


def _paths(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    fits = len(x) == 2 and c["weights"] == c["sources"] and c["starts"][0] == c["pairs"][0] + 1
    fits = fits and c["pairs"] == (c["starts"][0] - 1, 2) and c["bias"] == (a["channels"],)
    return (a["channels"], a["outputs"]) if fits else None


def _label(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    return () if len(x) == 1 else None


def affine(x: np.ndarray, c: Arrays, a: Attributes) -> np.ndarray:
    """`normalised` + offset where something is read, zero elsewhere (nobody looks)."""
    out = np.zeros_like(x)
    read = np.ix_(c["joints"], c["features"])
    out[read] = normalised(x, c["scale"])[read] + c["offset"]
    return out


def mix(x: np.ndarray, c: Arrays, a: Attributes) -> np.ndarray:
    """A_k x_k for each head k."""
    return np.matmul(c["attention"], x)


def filters(x: np.ndarray, c: Arrays, a: Attributes) -> np.ndarray:
    """x_k W_k for each head k."""
    return np.matmul(x, c["filters"])


def join(x: np.ndarray, a: Attributes) -> np.ndarray:
    """(head, node, filter) -> (channel, node): summed or concatenated over the heads."""
    by_filter = x.transpose(0, 2, 1)
    return by_filter.sum(0) if a["fusion"] == "sum" else by_filter.reshape(-1, x.shape[1])


def biased(x: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return x + bias.reshape(-1, *[1] * (x.ndim - 1))


def dense(x: np.ndarray, c: Arrays) -> np.ndarray:
    """logits_c = sum over channel f and output i of x[f,i] D[f,i,c]."""
    return np.einsum("fi,fic->c", x, c["dense"])


def paths(x: np.ndarray, c: Arrays, a: Attributes) -> np.ndarray:
    """relu(bias + sum of weight x source) at the pairs (channel, output) that are wanted, else 0."""
    flat, starts = x.reshape(-1), c["starts"]
    terms = np.concatenate([[0.0], np.cumsum(flat[c["sources"]] * c["weights"])])
    sums = terms[starts[1:]] - terms[starts[:-1]]
    out = np.zeros((a["channels"], a["outputs"]))
    channel, output = c["pairs"].T
    out[channel, output] = np.maximum(sums + c["bias"][channel], 0)
    return out


def softmax(x: np.ndarray) -> np.ndarray:
    grown = np.exp(x - x.max())
    return grown / grown.sum()


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def _network(x: tuple[int, ...], c: Shapes, a: Attributes) -> tuple[int, ...] | None:
    (shape,) = a["graph"].inputs.values()
    return (a["classes"],) if shape[1:] == x else None


def network(x: np.ndarray, a: Attributes) -> np.ndarray:
    """The logits of a graph, in double precision."""
    return np.asarray(run(a["graph"], [torch.from_numpy(np.asarray(x, np.float64))[None]])[0][0])


RULES: dict[str, Rule] = {
    "chunks": Rule(
        (), ("chunks", "trim", "bodies", "speeds"), _chunks,
        lambda x, c, a: chunk_means(x, a["chunks"], a["trim"], a["bodies"], a["speeds"]),
        "average position, and speeds, in each temporal chunk",
    ),
    "place": Rule(
        (), ("view", "bodies", "joints", "up", "side"), _place,
        lambda x, c, a: placed(x, a["view"], a["bodies"], a["joints"], a["up"], a["side"]),
        "centred, turned, coordinates of a node one after the other",
    ),
    "normalise": Rule(
        ("mean", "std"), (), _normalise,
        lambda x, c, a: normalised(x, 1 / c["std"]) + offset(c["mean"], 1 / c["std"]),
        "(x - mean) / std of positions, and of the logarithm of speeds",
    ),
    "affine": Rule(
        ("scale", "offset", "joints", "features"), (), _affine, affine,
        "positions scaled, speeds logarithms, + offset, where something is read",
    ),
    "read": Rule(
        ("joints", "features"), (), _read,
        lambda x, c, a: x[np.ix_(c["joints"], c["features"])], "the nodes and features in use",
    ),
    "mix": Rule(("attention",), (), _mix, mix, "A_k x for each head"),
    "filter": Rule(("filters",), (), _filter, filters, "x W_k for each head"),
    "join": Rule((), ("fusion",), _join, lambda x, c, a: join(x, a), "heads summed or concatenated"),
    "bias": Rule(("bias",), (), _bias, lambda x, c, a: biased(x, c["bias"]), "x + bias"),
    "relu": Rule((), (), _same, lambda x, c, a: _relu(x), "max(x, 0)"),
    "dense": Rule(("dense",), (), _dense, lambda x, c, a: dense(x, c), "D x"),
    "scale": Rule(("scale",), (), _scale, lambda x, c, a: x * c["scale"], "x scale"),
    "filter_relu": Rule(
        ("filters", "bias"), ("fusion",), _layer_filter,
        lambda x, c, a: _relu(biased(join(filters(x, c, a), a), c["bias"])),
        "relu(fusion_k x_k W_k + bias)",
    ),
    "mix_relu": Rule(
        ("attention", "bias"), ("fusion",), _layer_mix,
        lambda x, c, a: _relu(biased(join(mix(x, c, a), a), c["bias"])),
        "relu(fusion_k A_k x_k + bias)",
    ),
    "paths": Rule(
        ("weights", "sources", "starts", "pairs", "bias"), ("channels", "outputs"), _paths, paths,
        "relu of both products multiplied out, where a class wants it",
    ),
    "dense_bias": Rule(
        ("dense", "scale", "bias"), (), _dense_bias,
        lambda x, c, a: dense(x, c) * c["scale"] + c["bias"], "scale D x + bias",
    ),
    "filter_dense": Rule(
        ("filters", "bias", "dense", "scale", "class_bias"), ("fusion",), _filter_dense,
        lambda x, c, a: dense(_relu(biased(join(filters(x, c, a), a), c["bias"])), c)
        * c["scale"] + c["class_bias"],
        "scale D relu(fusion_k x_k W_k + bias) + class_bias",
    ),
    "network": Rule(
        (), ("graph", "program", "classes"), _network, lambda x, c, a: network(x, a),
        "a graph of operations (bandstop.graph)",
    ),
    "softmax": Rule((), (), _same, lambda x, c, a: softmax(x), "probabilities"),
    "label": Rule(
        (), (), _label, lambda x, c, a: np.asarray(int(x.argmax())), "the most probable class"
    ),
}  # fmt: skip
