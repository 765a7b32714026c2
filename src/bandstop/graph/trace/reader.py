"""A reader of exported programs: what it knows while it goes through one, and how it names values."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.export.graph_signature import OutputKind

from bandstop.errors import BadInput
from bandstop.graph.graph import Graph, Node, Shape

Read = Callable[..., None]
"""(reader, node, *its arguments): adds to the reader's graph what the node computes."""


class Unknown(Exception):
    """An operation that graphs do not have, in words."""


class Reader:
    """Reads an exported program node by node."""

    def __init__(
        self, model: nn.Module, exported: Any, batch: int, readers: Mapping[str, Read]
    ) -> None:
        self.batch, self.readers = batch, readers
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
        reader = self.readers.get(name.split(".")[0])
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

    def require_readable(self, node: fx.Node, name: str, reader: Read) -> None:
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
        # of another value only the shape and the type matter
        given = [
            torch.empty(self.full(a), dtype=a.meta["val"].dtype) if isinstance(a, fx.Node) else a
            for a in node.args
        ]
        tensor = make(*given, **{k: v for k, v in node.kwargs.items() if k != "pin_memory"})
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


def each(value: Any, count: int) -> tuple[int, ...]:
    value = [value] if isinstance(value, int) else list(value)
    return tuple(value * count if len(value) == 1 else value)
