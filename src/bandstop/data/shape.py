"""Arrays whose axes are not (frames, nodes, 3): what they are, and how to put them right.

A message never says "reshape" where that would mix coordinates of different nodes or frames.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from bandstop.skeleton import Skeleton

RIGHT = "(frames, nodes, 3)"


def fault(array: np.ndarray, name: str, skeleton: Skeleton | None = None) -> str:
    """Why `array` is not (frames, nodes, 3) for this skeleton (any, where it is not known), with the
    remedy as an expression; empty where it is."""
    shape = array.shape
    nodes = None if skeleton is None else skeleton.nodes
    if len(shape) == 3 and shape[2] == 3 and nodes in (None, shape[1]):
        return ""
    if len(shape) == 3 and shape[2] == 3 and skeleton and not _orders(shape, (None, nodes, 3)):
        return (
            f"{name} has {shape[1]} nodes and skeleton {skeleton.name!r} {nodes}; name the right "
            "skeleton"
        )
    wanted = RIGHT if skeleton is None else f"(frames, {nodes}, 3) for skeleton {skeleton.name!r}"
    return f"{name} must be {wanted}, not {shape}; {_remedy(shape, name, skeleton)}"


def _remedy(shape: tuple[int, ...], name: str, skeleton: Skeleton | None) -> str:
    nodes = None if skeleton is None else skeleton.nodes
    if len(shape) == 3:
        orders = _orders(shape, (None, nodes, 3))
        if len(orders) == 1:
            return f"move its axes with {name}.transpose{orders[0]}"
        if orders:
            known = " or ".join(f"{name}.transpose{order}" for order in orders)
            return f"move its axes with {known}, whichever makes it {RIGHT}"
        if 2 in shape and (flat := _orders(shape, (None, nodes, 2))):
            moved = name if flat[0] == (0, 1, 2) else f"{name}.transpose{flat[0]}"
            return (
                "it holds x and y alone: add zeros as z with "
                f"np.concatenate([{moved}, np.zeros_like({moved}[..., :1])], axis=2)"
            )
    if len(shape) == 2 and nodes is not None:
        for size, words in ((3, ""), (2, ", and add zeros as z")):
            if shape[1] == size * nodes:
                return (
                    f"a row holds a frame: where it is {'xyz'[:size]} of one node after the other, take "
                    f"{name}.reshape(-1, {nodes}, {size}){words}"
                )
    if len(shape) == 4:
        joints = None if skeleton is None else len(skeleton.joints)
        bodies = None if skeleton is None else skeleton.bodies
        orders = _orders(shape, (None, bodies, joints, 3))
        if len(orders) == 1:
            order = orders[0]
            frames, count = shape[order[0]], shape[order[1]] * shape[order[2]]
            return (
                "put one body's joints after the other's with "
                f"{name}.transpose{order}.reshape({frames}, {count}, 3)"
            )
    return f"its axes must be {RIGHT}: move them with transpose, which keeps what belongs together"


def _orders(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> list[tuple[int, ...]]:
    """The orders of the axes that make `shape` the wanted one, where None is any size; those that keep
    the order of the axes of unknown size come first."""
    return [
        order
        for order in permutations(range(len(shape)))
        if all(w is None or shape[axis] == w for axis, w in zip(order, wanted, strict=True))
        and _rising([axis for axis, w in zip(order, wanted, strict=True) if w is None])
    ]


def _rising(axes: list[int]) -> bool:
    """Of axes that nothing tells apart, the usual order: frames stand before nodes."""
    return axes == sorted(axes)
