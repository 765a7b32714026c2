"""Operations of one element, or of two that lie at the same place."""

from __future__ import annotations

import math
from typing import Any

from torch import fx

from bandstop.graph.trace.reader import Read, Reader, Unknown, called


def _binary(operation: str) -> Read:
    def read(r: Reader, n: fx.Node, a: Any, b: Any, alpha: Any = 1) -> None:
        numbers = [v for v in (a, b) if not isinstance(v, fx.Node)]
        if numbers and isinstance(a, fx.Node):
            number = float(b) * float(alpha)
            scale, shift = {
                "add": (1.0, number), "subtract": (1.0, -number), "multiply": (number, 0.0),
                "divide": (1.0 / number if number else math.inf, 0.0),
            }[operation]  # fmt: skip
            r.add(n, "scale", [r.names[a]], scale=scale, shift=shift)
            return
        other = r.value(b)
        if alpha != 1:
            other = r.add(n, "scale", [other], scale=float(alpha), shift=0.0)
        r.add(n, operation, [r.value(a), other])

    return read


def _function(operation: str, *names: str) -> Read:
    def read(r: Reader, n: fx.Node, x: Any, *a: Any, **k: Any) -> None:
        given = dict(zip(names, a, strict=False)) | k
        if len(a) > len(names) or set(given) - set(names) or n.all_input_nodes != [x]:
            raise Unknown(f"{called(n)} with such arguments")
        r.add(n, operation, [r.names[x]], **{key: v for key, v in given.items() if v is not None})

    return read


def _relu6(r: Reader, n: fx.Node, x: fx.Node) -> None:
    r.add(n, "hardtanh", [r.names[x]], min_val=0.0, max_val=6.0)


def _less(r: Reader, n: fx.Node, x: fx.Node, b: Any, alpha: Any = 1) -> None:
    made = r.add(n, "scale", [r.names[x]], scale=-float(alpha), shift=0.0)
    r.add(n, "add", [r.value(b), made])


def _scaled(scale: float) -> Read:
    def read(r: Reader, n: fx.Node, x: fx.Node) -> None:
        r.add(n, "scale", [r.names[x]], scale=scale, shift=0.0)

    return read


def _power(exponent: float) -> Read:
    def read(r: Reader, n: fx.Node, x: fx.Node) -> None:
        r.add(n, "power", [r.names[x]], exponent=exponent)

    return read


READERS: dict[str, Read] = {
    "add": _binary("add"), "sub": _binary("subtract"), "mul": _binary("multiply"),
    "div": _binary("divide"), "relu": _function("relu"), "tanh": _function("tanh"),
    "sigmoid": _function("sigmoid"), "gelu": _function("gelu", "approximate"),
    "silu": _function("silu"), "leaky_relu": _function("leaky-relu", "negative_slope"),
    "elu": _function("elu", "alpha"), "hardswish": _function("hardswish"), "relu6": _relu6,
    "hardtanh": _function("hardtanh", "min_val", "max_val"), "exp": _function("exp"),
    "sqrt": _function("sqrt"), "abs": _function("abs"), "pow": _function("power", "exponent"),
    "clamp": _function("clamp", "min", "max"), "rsub": _less, "reciprocal": _power(-1.0),
    "rsqrt": _power(-0.5), "square": _power(2.0), "neg": _scaled(-1.0),
}  # fmt: skip
