"""What `torch.export` says of a module, read into a graph; normalisation is folded as in eval mode.

A module is looked at with a batch of an unusual size (a prime that divides none of its own sizes), so
that wherever a size is a multiple of it the batch goes along. What is computed of one sample must not
depend on others: a graph is judged by one.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bandstop.errors import BadInput
from bandstop.graph.graph import Graph
from bandstop.graph.trace import elementwise, layers, moves, reductions
from bandstop.graph.trace.reader import Reader
from bandstop.text import shown

BATCHES = (1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049, 1051, 1061, 1063, 1069, 1087, 1091, 1093)
READERS = moves.READERS | layers.READERS | elementwise.READERS | reductions.READERS
"""Operation of an exported program -> how it is read."""


def trace(model: nn.Module, example: Tensor | Sequence[Tensor]) -> Graph:
    """The graph that a module computes in eval mode.

    Parameters
    ----------
    model : any module that `torch.export` understands
    example : an input with the batch first, or several; values do not matter, shapes and types do

    Returns
    -------
    Graph
        Its tensors have the names of the module's parameters and buffers; a tensor that the module
        has under several names has the first of them.

    Raises
    ------
    BadInput
        For a module that cannot be exported, with the reason, and for operations that graphs do not
        have, all of them, with the place where each was written.
    """
    examples = (example,) if isinstance(example, Tensor) else tuple(example)
    if not examples or not all(isinstance(x, Tensor) and x.ndim and len(x) for x in examples):
        raise BadInput("example must be a tensor, or several, with the batch first")
    for batch in _unusual(model, examples):
        reader = Reader(model, _exported(model, examples, batch), batch, READERS)
        if not reader.pairs:
            break
    return reader.graph().pruned()


def _exported(model: nn.Module, examples: Sequence[Tensor], batch: int) -> Any:
    many = tuple(x.new_empty(batch, *x.shape[1:]) for x in examples)
    training = {m: m.training for m in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)  # torch's, of itself
            return torch.export.export(model, many).run_decompositions({})
    except Exception as error:
        reason = str(error).strip().splitlines()
        raise BadInput(
            f"torch.export cannot follow this module: {shown((reason or [type(error).__name__])[0])}"
        ) from error
    finally:
        for module, mode in training.items():
            module.training = mode


def _unusual(model: nn.Module, examples: Sequence[Tensor]) -> list[int]:
    """Two of BATCHES: where with one of them pairs of samples seem to meet, another must agree."""
    own = [n for t in model.state_dict().values() for n in t.shape]
    own += [n for x in examples for n in x.shape[1:]]
    if found := [prime for prime in BATCHES if all(n % prime for n in own if n)]:
        return found[:2]
    raise BadInput(
        f"the module has sizes that are multiples of each of {', '.join(map(str, BATCHES))}: no batch "
        "can be told from them"
    )
