"""What a record and a listing must be: types, ranges, and what fits together."""

from __future__ import annotations

import base64
import binascii
import math
from itertools import pairwise
from typing import Any

from bandstop.errors import BadInput
from bandstop.record.config import Config
from bandstop.schema import (
    COUNT,
    FRACTION,
    LINE,
    Any_,
    Fields,
    Many,
    Maybe,
    Named,
    Number,
    OneOf,
    Text,
    Whole,
)

MASKS = ("attention", "filters", "dense")
BINS, TENSORS, EPOCHS, CLASSES = 10_000, 50, 10**6, 10_000
RATE = Number(0, 1, open=True)
FIGURE = Number(0, 1e18)
WRONG = Many(COUNT, most=10**6, distinct=True)
"""Places among the test sequences of those that were named wrong."""

RESULT = Fields(
    {
        "method": LINE,
        "rate_target": RATE,
        "rate": FRACTION,
        "weights": COUNT,
        "weights_kept": COUNT,
        "macs_dense": COUNT,
        "macs": COUNT,
        "macs_sparse": COUNT,
        "bytes_dense": COUNT,
        "bytes": COUNT,
        "accuracy_dense": Maybe(FRACTION),
        "accuracy": Maybe(FRACTION),
        "seconds": FIGURE,
        "run": Text(),
    },
    {
        "mean_class_accuracy": Maybe(FRACTION),
        "wrong": WRONG,
        "rate_observed": Maybe(FRACTION),
        "relative_error": FIGURE,
        "microseconds": FIGURE,
        "parts": Named(Many(COUNT, 2, 2)),
        "note": Maybe(Text()),
        "by_rate": Many(
            Fields(
                {
                    "rate_target": RATE,
                    "seen": OneOf((True, False)),
                    "accuracy": Maybe(FRACTION),
                    "rate": FRACTION,
                    "weights_kept": COUNT,
                    "macs": COUNT,
                    "macs_sparse": COUNT,
                    "bytes": COUNT,
                },
                {"wrong": WRONG, "microseconds": FIGURE},
                open=True,
            ),
            most=1000,
        ),
    },
    open=True,
)
RECORD = Fields(
    {
        "config": Named(Any_()),
        "data": Fields(
            {"name": LINE, "fingerprint": LINE, "classes": Many(LINE, 1, CLASSES, distinct=True)},
            {"train": COUNT, "validation": COUNT, "test": COUNT, "notes": Many(Text())},
            open=True,
        ),
        "skeleton": Named(Any_()),
        "environment": Named(Any_(), TENSORS),
        "history": Many(Named(Maybe(Number()), TENSORS), most=EPOCHS),
        "result": RESULT,
        "confusion": Many(Many(COUNT, most=CLASSES), most=CLASSES),
        "latents": Fields(
            {"edges": Many(Number(), 2, BINS), "counts": Named(Many(COUNT), TENSORS)}
        ),
        "masks": Named(Fields({"shape": Many(Whole(1), 1, 6), "bits": Text(2**28)}), TENSORS),
        "live_nodes": Many(COUNT, most=10**6, distinct=True),
        "version": Whole(),
    }
)
LISTING = Fields(
    {
        "table": LINE,
        "command": Many(Text(), most=1000),
        "date": LINE,
        "rates": Many(RATE, most=1000),
        "runs": Many(LINE, most=10**6),
        "version": Whole(),
    }
)


def require_fitting(values: dict[str, Any], config: Config) -> None:
    """Errors: BadInput where parts of a record, each as it must be, do not fit together."""
    classes = len(values["data"]["classes"])
    sizes = {len(row) for row in values["confusion"]} | {len(values["confusion"])}
    if sizes != {classes}:
        raise BadInput(f"the confusion matrix is not {classes} by {classes}")
    edges = values["latents"]["edges"]
    if any(a >= b for a, b in pairwise(edges)):
        raise BadInput("the latents' edges do not rise")
    if any(len(counts) != len(edges) - 1 for counts in values["latents"]["counts"].values()):
        raise BadInput("the latents' counts do not fit their edges")
    if len({key for row in values["history"] for key in row}) > TENSORS:
        raise BadInput(f"the history has more than {TENSORS} columns")
    result, test = values["result"], values["data"].get("test")
    for each in (result, *result.get("by_rate", ())):
        if test is not None and any(place >= test for place in each.get("wrong", ())):
            raise BadInput(f"it names wrong what is not among its {test} test sequences")
    if values["result"]["method"] not in (config.method, config.network):
        raise BadInput(f"the result is of method {values['result']['method']}, not {config.method}")
    _require_masks(values["masks"], config, classes)


def _require_masks(masks: dict[str, dict[str, Any]], config: Config, classes: int) -> None:
    """Of the attention GCN all three tensors or none, of the sizes that the options say; as many bits."""
    ours = config.closed
    if ours and masks and set(masks) != set(MASKS):
        raise BadInput(f"masks must name {', '.join(MASKS)}, or nothing")
    for name, packed in masks.items():
        _require_bits(name, packed)
        if not ours:
            continue
        channels = config.filters * (config.heads if config.fusion == "concat" else 1)
        nodes = masks["attention"]["shape"][2]
        shape = {
            "attention": [config.heads, nodes, nodes],
            "filters": [config.heads, config.width, config.filters],
            "dense": [channels, nodes, classes],
        }[name]
        if packed["shape"] != shape:
            raise BadInput(f"the mask of {name} is {packed['shape']}, and its network's {shape}")


def _require_bits(name: str, packed: dict[str, Any]) -> None:
    """Errors: BadInput where there are not as many bits as the mask's shape says."""
    try:
        bits = base64.b64decode(packed["bits"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"the mask of {name} is not in base64 ({error})") from error
    if len(bits) != -(-math.prod(packed["shape"]) // 8):
        raise BadInput(f"the mask of {name} has {len(bits)} bytes, too few or too many")
