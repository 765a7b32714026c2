"""The C of operations on single elements."""

from __future__ import annotations

from collections.abc import Callable

from bandstop.compile.c.text import number
from bandstop.compile.network.steps import CALLS
from bandstop.graph import Node
from bandstop.graph.operations.base import Attributes


def literal(value: float) -> str:
    """A number as C writes it, in brackets where it has a sign."""
    return f"({number(value)})" if value < 0 else number(value)


def _scale(x: str, a: Attributes) -> str:
    product = x if a["scale"] == 1 else f"{x} * {literal(a['scale'])}"
    return product if a["shift"] == 0 else f"{product} + {literal(a['shift'])}"


def _between(x: str, low: float | None, high: float | None) -> str:
    x = x if low is None else f"fmaxf({x}, {literal(low)})"
    return x if high is None else f"fminf({x}, {literal(high)})"


def _gelu(x: str, a: Attributes) -> str:
    return f"network_gelu{'_tanh' if a.get('approximate') == 'tanh' else ''}({x})"


WITH_NUMBERS: dict[str, Callable[[str, Attributes], str]] = {
    "scale": _scale,
    "clamp": lambda x, a: _between(x, a.get("min"), a.get("max")),
    "hardtanh": lambda x, a: _between(x, a.get("min_val", -1.0), a.get("max_val", 1.0)),
    "power": lambda x, a: f"powf({x}, {literal(a['exponent'])})",
    "leaky-relu": lambda x, a: f"network_leaky({x}, {literal(a.get('negative_slope', 0.01))})",
    "elu": lambda x, a: f"network_elu({x}, {literal(a.get('alpha', 1.0))})",
    "gelu": _gelu,
}
"""Functions of one element that have numbers of their own."""


def elementwise(node: Node) -> bool:
    return node.operation in CALLS or node.operation in WITH_NUMBERS


def expression(node: Node, parts: list[str]) -> str:
    """The C of one element."""
    if node.operation in WITH_NUMBERS:
        return WITH_NUMBERS[node.operation](parts[0], node.attributes)
    return CALLS[node.operation].format(*parts)
