"""The operations of graphs: a literal table, one family a file."""

from bandstop.graph.operations.base import Marks, Operation
from bandstop.graph.operations.contract import Convolve, Einsum
from bandstop.graph.operations.maps import FUNCTIONS, Product, Quotient, Sum
from bandstop.graph.operations.move import (
    Concatenate,
    Door,
    Expand,
    Pad,
    Permute,
    Take,
    View,
    Windows,
)
from bandstop.graph.operations.reduce import Highest, Pool, Softmax, Standardise, Total

OPERATIONS: dict[str, Operation] = {
    "einsum": Einsum(),
    "convolve": Convolve(),
    "add": Sum(),
    "subtract": Sum(minus=True),
    "multiply": Product(),
    "divide": Quotient(),
    **FUNCTIONS,
    "sum": Total(),
    "max": Highest(),
    "softmax": Softmax(),
    "standardise": Standardise(),
    "max-pool": Pool(highest=True),
    "mean-pool": Pool(highest=False),
    "view": View(),
    "permute": Permute(),
    "expand": Expand(),
    "concatenate": Concatenate(),
    "take": Take(),
    "pad": Pad(),
    "door": Door(),
    "windows": Windows(),
}
"""Name of an operation in a node -> what it is."""

__all__ = ["OPERATIONS", "Marks", "Operation"]
