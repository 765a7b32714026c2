"""Any `nn.Module` as a graph, by `torch.export`; normalisation is folded as in eval mode.

A module is looked at with a batch of an unusual size (a prime that divides none of its own sizes), so
that wherever a size is a multiple of it the batch goes along. What is computed of one sample must not
depend on others: a graph is judged by one.
"""

from __future__ import annotations

import inspect
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.export.graph_signature import OutputKind

from bandstop.errors import BadInput
from bandstop.graph.graph import Graph, Node, Shape
from bandstop.text import shown

BATCHES = (1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049, 1051, 1061, 1063, 1069, 1087, 1091, 1093)


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
        reader = _Reader(model, _exported(model, examples, batch), batch)
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


class Unknown(Exception):
    """An operation that graphs do not have, in words."""


class _Reader:
    """Reads an exported program node by node."""

    def __init__(self, model: nn.Module, exported: Any, batch: int) -> None:
        self.batch = batch
        signature = exported.graph_signature
        names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        first: dict[int, str] = {}
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            first.setdefault(id(tensor), name)
        state: dict[str, Tensor] = dict(model.named_buffers(remove_duplicate=False))
        state |= model.named_parameters(remove_duplicate=False)
        lifted = signature.inputs_to_lifted_tensor_constants
        self.tensors: dict[str, Tensor] = {}
        self.inputs: dict[str, Shape] = {}
        self.nodes: list[Node] = []
        self.outputs: set[str] = set()
        self.names: dict[fx.Node, str] = {}
        self.parts: dict[fx.Node, list[str]] = {}
        self.unknown: dict[str, str] = {}
        self.pairs = False
        for node in exported.graph.nodes:
            if node.op == "placeholder":
                if node.name in names:
                    tensor = state[names[node.name]]
                    name = first.get(id(tensor), names[node.name])
                    self.tensors[name] = tensor.detach()
                elif node.name in lifted:
                    name = lifted[node.name]
                    self.tensors[name] = exported.constants[name].detach()
                else:
                    name = self.unused(node.name)
                    self.inputs[name] = self.shape(node)
                self.names[node] = name
            elif node.op == "call_function":
                self.call(node)
            elif node.op == "output":
                specs = zip(cast(Sequence[Any], node.args[0]), signature.output_specs, strict=True)
                returned = [n for n, spec in specs if spec.kind is OutputKind.USER_OUTPUT]
                self.results = [self.names.get(n, "") for n in returned if isinstance(n, fx.Node)]

    def graph(self) -> Graph:
        if self.unknown:
            what = [f"{name} in {place or 'the module'}" for name, place in self.unknown.items()]
            raise BadInput(
                f"graphs have no {', no '.join(what)}; without `example` the budget is still met exactly, "
                "with no proof of a path"
            )
        return Graph(self.inputs, tuple(self.nodes), self.tensors, tuple(self.results))

    # what nodes are made of

    def shape(self, node: fx.Node) -> Shape:
        """Of one sample."""
        return tuple(n // self.batch if n % self.batch == 0 else n for n in self.full(node))

    def full(self, node: fx.Node) -> Shape:
        return tuple(int(n) for n in node.meta["val"].shape)

    def along(self, node: fx.Node) -> int | None:
        """The dimension that the batch goes along."""
        there = [d for d, n in enumerate(self.full(node)) if n and n % self.batch == 0]
        return there[0] if there else None

    def value(self, argument: Any, like: Tensor | None = None) -> str:
        """The name of a value; of a number, as a tensor."""
        if isinstance(argument, fx.Node):
            return self.names[argument]
        return self.constant(torch.tensor(float(argument)), "number")

    def constant(self, tensor: Tensor, name: str) -> str:
        name = self.unused(f"{name}.{len(self.tensors)}")
        self.tensors[name] = tensor
        return name

    def unused(self, name: str) -> str:
        """The name, or one like it where a tensor of the module or another value has it."""
        while name in self.tensors or name in self.inputs or name in self.outputs:
            name += "'"
        return name

    def add(self, node: fx.Node, operation: str, inputs: Sequence[str], **attributes: Any) -> str:
        """One more graph node; the last that is made for an exported one gives it its name."""
        output = self.unused(f"{node.name}.{len(self.nodes)}")
        self.outputs.add(output)
        self.nodes.append(Node(operation, tuple(inputs), output, attributes, place(node)))
        self.names[node] = output
        return output

    def call(self, node: fx.Node) -> None:
        if node.target is operator.getitem:
            source, index = cast(tuple[fx.Node, int], node.args)
            parts = self.parts.get(source, [])
            if index < len(parts):
                self.names[node] = parts[index]
            elif parts and node.users:
                self.unknown[f"result {index} of {source.target}"] = place(node)
            return
        name = called(node)
        reader = READERS.get(name.split(".")[0])
        whole = all(n in self.names or n in self.parts for n in node.all_input_nodes)
        try:
            if reader is not None and not whole:
                return  # made of something unknown
            if reader is not None:
                self.require_readable(node, name, reader)
                reader(self, node, *node.args, **node.kwargs)
            elif not node.all_input_nodes and isinstance(node.meta.get("val"), Tensor):
                self.made(node)
            else:
                raise Unknown(name)
        except Unknown as unknown:
            self.unknown[str(unknown)] = place(node)

    def require_readable(self, node: fx.Node, name: str, reader: Callable[..., None]) -> None:
        """Errors: Unknown for arguments that the reader does not take, and for what no sample is of."""
        try:
            inspect.signature(reader).bind(self, node, *node.args, **node.kwargs)
        except TypeError:
            raise Unknown(f"{name} with such arguments") from None
        val = node.meta.get("val")
        if isinstance(val, Tensor) and sum(n % self.batch == 0 for n in val.shape if n) > 1:
            self.pairs = True
            raise Unknown(f"{name} of every pair of samples")

    def apart(self, node: fx.Node, x: fx.Node, dims: Iterable[int]) -> None:
        """Errors: Unknown for an operation over dimensions of x that the batch goes along."""
        if self.along(x) in [d % len(self.full(x)) for d in dims]:
            raise Unknown(f"{called(node)} over the batch")

    def made(self, node: fx.Node) -> None:
        """A constant that the module makes itself, such as zeros."""
        make = cast(Any, node.target)
        if torch.Tag.nondeterministic_seeded in make.tags:
            raise Unknown(f"{called(node)}, which is random")
        tensor = make(*node.args, **{k: v for k, v in node.kwargs.items() if k != "pin_memory"})
        along = self.along(node)
        if along is None:
            self.names[node] = self.constant(tensor, node.name)
            return
        one = tensor.narrow(along, 0, 1)
        if not torch.equal(tensor, one.expand_as(tensor)):
            raise Unknown(f"{called(node)}, which tells samples apart")
        name = self.constant(one.clone(), node.name)
        self.add(node, "expand", [name], shape=self.shape(node), batch=along)

    def reshaped(self, node: fx.Node, source: str | None = None) -> None:
        source = self.names[cast(fx.Node, node.args[0])] if source is None else source
        self.add(node, "view", [source], shape=self.shape(node), batch=self.along(node))


def called(node: fx.Node) -> str:
    """The name of its operation."""
    return str(getattr(node.target, "_schema", node.target)).split("(")[0].removeprefix("aten::")


def place(node: fx.Node) -> str:
    """Path of the module that a node was written in."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values()]
    return paths[-1].replace("L['self'].", "").replace("L['self']", "") if paths else ""


def dims_of(dims: Any, rank: int) -> tuple[int, ...]:
    """Dimensions counted from the front; all where none are named."""
    if dims is None or dims == []:
        return tuple(range(rank))
    dims = [dims] if isinstance(dims, int) else list(dims)
    return tuple(d % rank for d in dims)


def _same(r: _Reader, n: fx.Node, x: fx.Node, *_: Any, **__: Any) -> None:
    if n.meta["val"].dtype != x.meta["val"].dtype:
        raise Unknown("a change of type")
    r.names[n] = r.names[x]


def _nothing(r: _Reader, n: fx.Node, *_: Any, **__: Any) -> None:
    """What has no value."""


def _view(r: _Reader, n: fx.Node, *_: Any, **__: Any) -> None:
    r.reshaped(n)


def _permute(r: _Reader, n: fx.Node, x: fx.Node, order: Sequence[int]) -> None:
    r.add(n, "permute", [r.names[x]], order=dims_of(order, len(r.full(x))))


def _transpose(r: _Reader, n: fx.Node, x: fx.Node, a: int, b: int) -> None:
    rank = len(r.full(x))
    order = list(range(rank))
    order[a % rank], order[b % rank] = order[b % rank], order[a % rank]
    r.add(n, "permute", [r.names[x]], order=tuple(order))


def _t(r: _Reader, n: fx.Node, x: fx.Node) -> None:
    _permute(r, n, x, list(range(len(r.full(x))))[::-1])


def _expand(r: _Reader, n: fx.Node, x: fx.Node, *_: Any, **__: Any) -> None:
    r.add(n, "expand", [r.names[x]], shape=r.shape(n), batch=r.along(n))


def _cat(r: _Reader, n: fx.Node, xs: Sequence[fx.Node], dim: int = 0) -> None:
    for x in xs:
        r.apart(n, x, [dim])
    r.add(n, "concatenate", [r.names[x] for x in xs], dim=dim % len(r.full(n)))


def _stack(r: _Reader, n: fx.Node, xs: Sequence[fx.Node], dim: int = 0) -> None:
    rank = len(r.full(n))
    dim %= rank
    single = list(r.shape(n))
    single[dim] = 1
    views = [r.add(n, "view", [r.names[x]], shape=tuple(single), batch=r.along(n)) for x in xs]
    r.add(n, "concatenate", views, dim=dim)


def _slice(
    r: _Reader,
    n: fx.Node,
    x: fx.Node,
    dim: int = 0,
    start: Any = 0,
    stop: Any = None,
    step: int = 1,
) -> None:
    dim %= len(r.full(x))
    index = list(range(r.full(x)[dim])[slice(start, stop, step)])
    if len(index) == r.full(x)[dim]:
        r.names[n] = r.names[x]
    else:
        r.apart(n, x, [dim])
        r.add(n, "take", [r.names[x]], dim=dim, index=index)


def _select(r: _Reader, n: fx.Node, x: fx.Node, dim: int, index: int) -> None:
    r.apart(n, x, [dim])
    dim %= len(r.full(x))
    part = r.add(n, "take", [r.names[x]], dim=dim, index=[index % r.full(x)[dim]])
    r.reshaped(n, part)


def _pieces(
    r: _Reader, n: fx.Node, x: fx.Node, dim: int, counts: Sequence[int], flat: bool
) -> None:
    r.apart(n, x, [dim])
    dim %= len(r.full(x))
    start, r.parts[n] = 0, []
    for count, val in zip(counts, n.meta["val"], strict=True):
        part = r.add(n, "take", [r.names[x]], dim=dim, index=list(range(start, start + count)))
        if flat:
            full = tuple(int(s) for s in val.shape)
            along = next((d for d, s in enumerate(full) if s % r.batch == 0), None)
            shape = tuple(s // r.batch if d == along else s for d, s in enumerate(full))
            part = r.add(n, "view", [part], shape=shape, batch=along)
        r.parts[n].append(part)
        start += count


def _unbind(r: _Reader, n: fx.Node, x: fx.Node, dim: int = 0) -> None:
    _pieces(r, n, x, dim, [1] * len(n.meta["val"]), flat=True)


def _split(r: _Reader, n: fx.Node, x: fx.Node, _: Any, dim: int = 0) -> None:
    counts = [int(v.shape[dim]) for v in n.meta["val"]]
    _pieces(r, n, x, dim, counts, flat=False)


def _einsum(r: _Reader, n: fx.Node, equation: str, xs: Sequence[fx.Node], path: Any = None) -> None:
    equation = equation.replace(" ", "")
    if "..." in equation or len(xs) > 2:
        raise Unknown("einsum with an ellipsis or three values")
    if "->" not in equation:
        every = [c for c in sorted(set(equation)) if c.isalpha() and equation.count(c) == 1]
        equation += "->" + "".join(every)
    words, out = equation.split("->")
    for word, x in zip(words.split(","), xs, strict=True):
        r.apart(n, x, [d for d, letter in enumerate(word) if letter not in out])
    r.add(n, "einsum", [r.names[x] for x in xs], equation=equation)


def _matmul(r: _Reader, n: fx.Node, a: fx.Node, b: fx.Node) -> None:
    left, right = len(r.full(a)), len(r.full(b))
    if left < 2 or right < 2:
        raise Unknown("matmul of a vector")
    r.apart(n, a, [-1])
    r.apart(n, b, [-2])
    one = [chr(ord("a") + i) for i in range(max(left, right) - 2)]
    first = one[len(one) - (left - 2) :] if left > 2 else []
    second = one[len(one) - (right - 2) :] if right > 2 else []
    shapes: dict[str, set[int]] = {}
    for word, x in ((first, a), (second, b)):
        for letter, size in zip(word, r.full(x), strict=False):
            shapes.setdefault(letter, set()).add(size)
    if any(len(s) > 1 for s in shapes.values()):
        raise Unknown("matmul that repeats a matrix")
    equation = f"{''.join(first)}xy,{''.join(second)}yz->{''.join(one)}xz"
    r.add(n, "einsum", [r.names[a], r.names[b]], equation=equation)


def _linear(r: _Reader, n: fx.Node, x: fx.Node, w: fx.Node, b: fx.Node | None = None) -> None:
    r.apart(n, x, [-1])
    front = "".join(chr(ord("a") + i) for i in range(len(r.full(x)) - 1))
    made = r.add(n, "einsum", [r.names[x], r.names[w]], equation=f"{front}y,zy->{front}z")
    if b is not None:
        r.add(n, "add", [made, r.names[b]])


def _addmm(r: _Reader, n: fx.Node, b: fx.Node, x: fx.Node, w: fx.Node) -> None:
    r.apart(n, x, [-1])
    made = r.add(n, "einsum", [r.names[x], r.names[w]], equation="ay,yz->az")
    r.add(n, "add", [made, r.names[b]])


def _conv(
    r: _Reader,
    n: fx.Node,
    x: fx.Node,
    w: fx.Node,
    b: fx.Node | None = None,
    stride: Sequence[int] = (1,),
    padding: Any = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> None:
    count = len(r.full(x)) - 2
    r.apart(n, x, range(1, count + 2))
    if isinstance(padding, str):
        kernel = r.full(w)[2:]
        spread = [d * (k - 1) for d, k in zip(_each(dilation, count), kernel, strict=True)]
        if padding == "same" and any(s % 2 for s in spread):
            raise Unknown("convolution with another padding on each side")
        padding = [s // 2 if padding == "same" else 0 for s in spread]
    made = r.add(
        n, "convolve", [r.names[x], r.names[w]], stride=_each(stride, count),
        padding=_each(padding, count), dilation=_each(dilation, count), groups=groups,
    )  # fmt: skip
    if b is not None:
        shape = (1, r.full(b)[0], *(1,) * count)
        bias = r.add(n, "view", [r.names[b]], shape=shape, batch=None)
        r.add(n, "add", [made, bias])


def _each(value: Any, count: int) -> tuple[int, ...]:
    value = [value] if isinstance(value, int) else list(value)
    return tuple(value * count if len(value) == 1 else value)


def _norm(
    r: _Reader, n: fx.Node, x: fx.Node, w: Any, b: Any, mean: fx.Node, var: fx.Node, *a: Any
) -> None:
    eps = a[-1]
    if any(v is not None and r.names[v] not in r.tensors for v in (w, b, mean, var)):
        raise Unknown("normalisation by what is computed")
    r.apart(n, x, range(1, len(r.full(x))))
    scale = (r.tensors[r.names[var]] + eps).rsqrt()
    if w is not None:
        scale = scale * r.tensors[r.names[w]]
    shift = -r.tensors[r.names[mean]] * scale
    if b is not None:
        shift = shift + r.tensors[r.names[b]]
    shape = (1, -1, *(1,) * (len(r.full(x)) - 2))
    at = place(n) or "norm"
    made = r.add(n, "multiply", [r.names[x], r.constant(scale.view(shape), f"{at}.scale")])
    r.parts[n] = [r.add(n, "add", [made, r.constant(shift.view(shape), f"{at}.shift")])]


def _layer_norm(
    r: _Reader, n: fx.Node, x: fx.Node, shape: Any, w: Any = None, b: Any = None, eps: float = 1e-5,
    *_: Any,
) -> None:  # fmt: skip
    rank = len(r.full(x))
    dims = tuple(range(rank - len(shape), rank))
    r.apart(n, x, dims)
    made = r.add(n, "standardise", [r.names[x]], dims=dims, eps=eps)
    if w is not None:
        made = r.add(n, "multiply", [made, r.names[w]])
    if b is not None:
        made = r.add(n, "add", [made, r.names[b]])
    r.parts[n] = [made]  # where it is one of several results


def _binary(operation: str) -> Callable[..., None]:
    def read(r: _Reader, n: fx.Node, a: Any, b: Any, alpha: Any = 1) -> None:
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


def _function(operation: str, *names: str) -> Callable[..., None]:
    def read(r: _Reader, n: fx.Node, x: Any, *a: Any, **k: Any) -> None:
        given = dict(zip(names, a, strict=False)) | k
        if len(a) > len(names) or set(given) - set(names) or n.all_input_nodes != [x]:
            raise Unknown(f"{called(n)} with such arguments")
        r.add(n, operation, [r.names[x]], **{key: v for key, v in given.items() if v is not None})

    return read


def _relu6(r: _Reader, n: fx.Node, x: fx.Node) -> None:
    r.add(n, "hardtanh", [r.names[x]], min_val=0.0, max_val=6.0)


def _less(r: _Reader, n: fx.Node, x: fx.Node, b: Any, alpha: Any = 1) -> None:
    made = r.add(n, "scale", [r.names[x]], scale=-float(alpha), shift=0.0)
    r.add(n, "add", [r.value(b), made])


def _scaled(scale: float) -> Callable[..., None]:
    def read(r: _Reader, n: fx.Node, x: fx.Node) -> None:
        r.add(n, "scale", [r.names[x]], scale=scale, shift=0.0)

    return read


def _power(exponent: float) -> Callable[..., None]:
    def read(r: _Reader, n: fx.Node, x: fx.Node) -> None:
        r.add(n, "power", [r.names[x]], exponent=exponent)

    return read


def _total(mean: bool) -> Callable[..., None]:
    def read(
        r: _Reader, n: fx.Node, x: fx.Node, dims: Any = None, keep: bool = False, **_: Any
    ) -> None:
        over = dims_of(dims, len(r.full(x)))
        r.apart(n, x, over)
        made = r.add(n, "sum", [r.names[x]], dims=over)
        if mean:
            count = math.prod(r.full(x)[d] for d in over)
            made = r.add(n, "scale", [made], scale=1 / count, shift=0.0)
        if not keep:
            r.reshaped(n, made)

    return read


def _highest(r: _Reader, n: fx.Node, x: fx.Node, dims: Any = None, keep: bool = False) -> None:
    r.apart(n, x, dims_of(dims, len(r.full(x))))
    made = r.add(n, "max", [r.names[x]], dims=dims_of(dims, len(r.full(x))))
    if not keep:
        r.reshaped(n, made)


def _max_dim(r: _Reader, n: fx.Node, x: fx.Node, dim: Any, keep: bool = False) -> None:
    if not isinstance(dim, int):
        raise Unknown(f"{called(n)} of two values")
    r.apart(n, x, [dim])
    made = r.add(n, "max", [r.names[x]], dims=dims_of(dim, len(r.full(x))))
    if not keep:
        shape = tuple(s for d, s in enumerate(r.shape(x)) if d != dim % len(r.full(x)))
        along = r.along(x)
        if along is not None and along > dim % len(r.full(x)):
            along -= 1
        made = r.add(n, "view", [made], shape=shape, batch=along)
    r.parts[n] = [made]


def _softmax(r: _Reader, n: fx.Node, x: fx.Node, dim: int, *_: Any) -> None:
    r.apart(n, x, [dim])
    r.add(n, "softmax", [r.names[x]], dims=dims_of(dim, len(r.full(x))))


def _max_pool(
    r: _Reader, n: fx.Node, x: fx.Node, kernel: Any, stride: Any = (), padding: Any = 0,
    dilation: Any = 1, ceil: bool = False,
) -> None:  # fmt: skip
    val = n.meta["val"]
    out = tuple(int(s) for s in (val[0] if isinstance(val, tuple | list) else val).shape)
    count = len(out) - 2
    r.apart(n, x, range(1, count + 2))
    made = r.add(
        n, "max-pool", [r.names[x]], kernel=_each(kernel, count), stride=_each(stride or kernel, count),
        padding=_each(padding, count), dilation=_each(dilation, count), ceil=ceil, out=(1, *out[1:]),
    )  # fmt: skip
    r.parts[n] = [made]


def _mean_pool(
    r: _Reader, n: fx.Node, x: fx.Node, kernel: Any, stride: Any = (), padding: Any = 0,
    ceil: bool = False, padded: bool = True,
) -> None:  # fmt: skip
    count = len(r.full(n)) - 2
    r.apart(n, x, range(1, count + 2))
    r.add(
        n, "mean-pool", [r.names[x]], kernel=_each(kernel, count), stride=_each(stride or kernel, count),
        padding=_each(padding, count), dilation=(1,) * count, ceil=ceil, padded=padded,
        out=(1, *r.full(n)[1:]),
    )  # fmt: skip


def _adaptive(r: _Reader, n: fx.Node, x: fx.Node, out: Any) -> None:
    rank = len(r.full(x))
    sizes = _each(out, rank - 2) if not isinstance(out, int) else (out,) * (rank - 2)
    over = r.full(x)[-len(sizes) :]
    if any(o and n_ % o for n_, o in zip(over, sizes, strict=True)):
        raise Unknown("adaptive pooling into unequal windows")
    kernel = [n_ // o for n_, o in zip(over, sizes, strict=True)]
    _mean_pool(r, n, x, kernel, kernel)


def _im2col(
    r: _Reader, n: fx.Node, x: fx.Node, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> None:
    r.apart(n, x, range(1, 4))
    r.add(
        n, "windows", [r.names[x]], kernel=_each(kernel, 2), dilation=_each(dilation, 2),
        padding=_each(padding, 2), stride=_each(stride, 2),
    )  # fmt: skip


def _pad(r: _Reader, n: fx.Node, x: fx.Node, around: Sequence[int], *how: Any, **more: Any) -> None:
    rank = len(r.full(x))
    before, after = [0] * rank, [0] * rank
    for i in range(len(around) // 2):
        before[rank - 1 - i], after[rank - 1 - i] = around[2 * i], around[2 * i + 1]
    if any(v not in ("constant", None, 0) for v in (*how, *more.values())) or min(around) < 0:
        raise Unknown("padding with other than zeros")
    r.apart(n, x, [d for d in range(rank) if before[d] or after[d]])
    r.add(n, "pad", [r.names[x]], before=before, after=after)


READERS: dict[str, Callable[..., None]] = {
    **dict.fromkeys(
        ("clone", "contiguous", "alias", "detach", "dropout", "_to_copy", "lift_fresh_copy", "to"), _same
    ),
    **dict.fromkeys(
        ("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "flatten", "unflatten"), _view
    ),
    "permute": _permute, "transpose": _transpose, "t": _t, "expand": _expand, "cat": _cat, "stack": _stack,
    "slice": _slice, "select": _select, "unbind": _unbind, "split": _split, "split_with_sizes": _split,
    "chunk": _split, "einsum": _einsum, "matmul": _matmul, "bmm": _matmul, "mm": _matmul,
    "linear": _linear, "addmm": _addmm, "conv1d": _conv, "conv2d": _conv, "conv3d": _conv,
    "_native_batch_norm_legit_no_training": _norm, "native_layer_norm": _layer_norm,
    "layer_norm": _layer_norm,
    "add": _binary("add"), "sub": _binary("subtract"), "mul": _binary("multiply"),
    "div": _binary("divide"), "relu": _function("relu"), "tanh": _function("tanh"),
    "sigmoid": _function("sigmoid"), "gelu": _function("gelu", "approximate"), "silu": _function("silu"),
    "leaky_relu": _function("leaky-relu", "negative_slope"), "elu": _function("elu", "alpha"),
    "hardswish": _function("hardswish"), "relu6": _relu6,
    "hardtanh": _function("hardtanh", "min_val", "max_val"),
    "exp": _function("exp"), "sqrt": _function("sqrt"), "abs": _function("abs"),
    "pow": _function("power", "exponent"), "clamp": _function("clamp", "min", "max"),
    "rsub": _less, "reciprocal": _power(-1.0), "rsqrt": _power(-0.5), "square": _power(2.0),
    "_assert_tensor_metadata": _nothing, "neg": _scaled(-1.0), "sum": _total(False),
    "mean": _total(True), "amax": _highest, "max": _max_dim, "_softmax": _softmax, "softmax": _softmax,
    "max_pool2d_with_indices": _max_pool, "max_pool2d": _max_pool, "max_pool1d": _max_pool,
    "avg_pool2d": _mean_pool, "avg_pool1d": _mean_pool, "_adaptive_avg_pool2d": _adaptive,
    "adaptive_avg_pool2d": _adaptive, "adaptive_avg_pool1d": _adaptive, "im2col": _im2col,
    "constant_pad_nd": _pad, "pad": _pad,
}  # fmt: skip
"""Operation of an exported program -> how it is read."""
