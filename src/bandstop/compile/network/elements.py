"""The C of operations on single elements."""

from __future__ import annotations

from bandstop.compile.c.text import number
from bandstop.compile.network.steps import CALLS
from bandstop.graph import Node


def elementwise(node: Node) -> bool:
    return node.operation in CALLS or node.operation in ("scale", "clamp", "power", "leaky-relu")


def expression(node: Node, parts: list[str]) -> str:
    """The C of one element."""
    a = node.attributes
    if node.operation == "scale":
        product = parts[0] if a["scale"] == 1 else f"{parts[0]} * {literal(a['scale'])}"
        return product if a["shift"] == 0 else f"{product} + {literal(a['shift'])}"
    if node.operation == "clamp":
        low = f"fmaxf({parts[0]}, {literal(a['min'])})" if "min" in a else parts[0]
        return f"fminf({low}, {literal(a['max'])})" if "max" in a else low
    if node.operation == "power":
        return f"powf({parts[0]}, {literal(a['exponent'])})"
    if node.operation == "leaky-relu":
        slope = literal(a.get("negative_slope", 0.01))
        return f"({parts[0]} < 0.0f ? {parts[0]} * {slope} : {parts[0]})"
    return CALLS[node.operation].format(*parts)


def literal(value: float) -> str:
    return f"({number(value)})" if value < 0 else number(value)
