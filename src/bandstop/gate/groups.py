"""Groups of a weight tensor: channels, rows, columns and entries of any tensor of two or more dimensions.

| tensor           | shape                  | channel | row            | column      |
|------------------|------------------------|---------|----------------|-------------|
| attention A      | head, output, node     | head    | output node    | input node  |
| filters W        | head, feature, filter  | head    | input feature  | filter      |
| dense D          | channel, output, class | filter  | output node    | class       |
| linear layer     | out, in                | all     | output         | input       |
| convolution      | out, in, places        | output  | input          | place       |

(Channels, rows and columns as groups: arXiv 2412.11813 and 2412.12887; this reading of them for each
tensor: our choice.) A row, and likewise a column, belongs to one channel: head k's weights for feature
s are one row, not those of all heads.
"""

from __future__ import annotations

from math import prod

from jaxtyping import Float, Shaped
from torch import Tensor

from bandstop.errors import BadInput

AXES: dict[str, tuple[int, ...]] = {"channel": (-2, -1), "row": (-1,), "column": (-2,), "entry": ()}
"""Level, coarse to fine -> the axes of a (channel, row, column) tensor that one group of it spans."""
LEVELS = tuple(AXES)
COARSE = LEVELS[:-1]
WEIGHTS = {"channel": 0.7, "row": 0.15, "column": 0.15}
"""How much of the removal each coarse level takes on beside the level of entries: with k^0.7 of the
channels tensors become smaller (docs/decisions/0007)."""
ALONE = {"channel": 0.4, "row": 0.3, "column": 0.3}
"""The same where no entries take part: together at q they keep q^0.4 q^0.3 q^0.3 = q."""


def block_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(channels, rows, columns) that a tensor is seen as.

    Two dimensions are one channel; from the third on, the further dimensions are columns together.

    >>> block_shape((16, 30, 30)), block_shape((64, 24)), block_shape((64, 24, 3, 3))
    ((16, 30, 30), (1, 64, 24), (64, 24, 9))

    Errors: BadInput for a tensor of fewer than two dimensions, which has no groups.
    """
    if len(shape) < 2:
        raise BadInput(f"a tensor of shape {tuple(shape)} has no channels, rows and columns")
    if len(shape) == 2:
        return 1, shape[0], shape[1]
    return shape[0], shape[1], prod(shape[2:])


def as_blocks(tensor: Tensor) -> Shaped[Tensor, "channel row column"]:
    """The tensor seen as channels x rows x columns."""
    return tensor.reshape(block_shape(tuple(tensor.shape)))


def pooled(
    blocks: Float[Tensor, "*run channel row column"], level: str
) -> Float[Tensor, "*run groups rows columns"]:
    """The mean over each group of a level; the axes that a group spans have length 1, to be broadcast."""
    return blocks.mean(AXES[level], keepdim=True) if AXES[level] else blocks


def group_counts(shape: tuple[int, ...]) -> dict[str, int]:
    """Level -> how many groups a tensor has.

    >>> group_counts((16, 24, 128))
    {'channel': 16, 'row': 384, 'column': 2048, 'entry': 49152}
    """
    blocks = block_shape(shape)
    return {
        level: prod(n for axis, n in enumerate(blocks, start=-3) if axis not in AXES[level])
        for level in LEVELS
    }
