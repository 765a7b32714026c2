"""One C file and its header out of a graph on which all passes have run."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from string import Template

from bandstop.compile.c.answer import HEADER, SOURCE
from bandstop.compile.c.channels import channels
from bandstop.compile.c.dense import dense, paths
from bandstop.compile.c.filter_dense import filter_dense
from bandstop.compile.c.front import front
from bandstop.compile.c.mix import mix
from bandstop.compile.c.network import floats_of, mark_of, network, ranks_in
from bandstop.compile.c.prelude import PRELUDE
from bandstop.compile.c.rate import ASKS, DECLARED, SET_RATE, rates_words, words_of
from bandstop.compile.c.read import read
from bandstop.compile.c.text import Part, array, comment, identifier, named
from bandstop.compile.ir import Graph, Node
from bandstop.compile.layout import float32_below
from bandstop.compile.network.plan import plan_bytes
from bandstop.compile.verify import shapes
from bandstop.errors import BadInput
from bandstop.text import in_c_string, in_comment

OPERATIONS: dict[str, Callable[[Graph, Node], Part]] = {
    "read": read,
    "network": network,
    "mix": mix,
    "mix_relu": mix,
    "filter": channels,
    "filter_relu": channels,
    "filter_dense": filter_dense,
    "paths": paths,
    "dense_bias": dense,
}
"""One file each. chunks, place and affine are front.py's; softmax and label answer.py's."""

FEWEST_FRAMES = 2


@dataclass(frozen=True)
class Layer:
    """What a layer costs: read-only bytes, scratch bytes, multiply-accumulates with weights that are
    not zero."""

    name: str
    storage: str
    flash: int
    ram: int
    macs: int


@dataclass(frozen=True)
class CSource:
    """The C target's result.

    scratch  bytes of memory that the caller gives
    calls    the network's statements, one a layer: from `signal` to `logits` in `memory`
    """

    name: str
    source: str
    header: str
    layers: tuple[Layer, ...]
    scratch: int
    macs: int
    facts: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()

    @property
    def flash(self) -> int:
        """Bytes of weights, positions and constants."""
        return sum(layer.flash for layer in self.layers)


def emit(graph: Graph, name: str, facts: Mapping[str, str], unit: str = "mm") -> CSource:
    """facts: lines for the header comment, such as the bundle's hash and the command."""
    if identifier(name) != name:
        raise BadInput(
            f"{name!r} cannot begin the names of C functions; take letters, digits and _, such as "
            f"{identifier(name)!r}"
        )
    offsets = {b.value: b.offset for b in graph.buffers}
    sizes = {b.value: b.floats for b in graph.buffers}
    first, parts, calls = front(graph), _parts(graph), []
    for part, node in parts:
        places = {
            "x": f"memory + {offsets.get(node.input, 0)}",
            "y": f"memory + {offsets.get(node.output, 0)}",
        }
        calls.append(Template(part.call).substitute(places))
    scratch = scratch_bytes(graph)
    front_ram = 4 * (sizes["signal"] + sizes["means"])
    layers = (
        Layer("frames to signal", "", first.bytes, front_ram, first.macs),
        *(
            Layer(p.layer, _storage(graph, n), p.bytes, 4 * sizes.get(n.output, 0), p.macs)
            for p, n in parts
        ),
    )
    found = shapes(graph)
    nodes, features = found["signal"]
    words = {
        "name": name,
        "NAME": name.upper(),
        "nodes": nodes,
        "features": features,
        "classes": len(graph.classes),
        "fewest": FEWEST_FRAMES,
        "scratch": scratch,
        "unit": in_comment(unit),
        "reach": float_bits(graph.reach),
        "farthest": float_bits(graph.farthest),
        "signal_at": offsets["signal"],
        "state_at": offsets["means"],
        "calls": "\n".join(f"    {call}" for call in calls),
        "asks": "",
        "declared": "",
    }
    ranked = ranks_in(graph)
    if ranked:
        words |= words_of(ranked, mark_of(graph))
        words |= {"asks": named(ASKS, **words), "declared": named(DECLARED, **words).lstrip()}
    macs = sum(layer.macs for layer in layers)
    head = _head(name, graph, facts, layers, scratch, macs)
    header = head + named(HEADER, **words)
    arrays = [*first.arrays, *(a for p, _ in parts for a in p.arrays)]
    text = "".join(p.code for p, _ in parts)
    source = "".join(
        [
            head,
            f'\n#include "{name}.h"\n\n#include <math.h>\n#include <stdint.h>\n#include <string.h>\n',
            PRELUDE,
            "\n/* ---- weights and positions ---- */\n",
            *(array(a) for a in arrays),
            classes_of(name, graph.classes),
            first.code,
            text,
            named(SOURCE, **words),
            named(SET_RATE, **words) if ranked else "",
        ]
    )
    return CSource(name, source, header, layers, scratch, macs, dict(facts), tuple(calls))


def _parts(graph: Graph) -> list[tuple[Part, Node]]:
    """What each node of the network adds to the file."""
    return [
        (OPERATIONS[node.operation](graph, node), node)
        for node in graph.nodes
        if node.operation in OPERATIONS and not (node.operation == "read" and graph.has("paths"))
    ]


def scratch_bytes(graph: Graph) -> int:
    plan = plan_bytes(graph.the("network").attributes["program"]) if ranks_in(graph) else 0
    return 64 + 4 * floats_of(graph) + plan


def footprint(graph: Graph) -> tuple[int, int]:
    """Bytes of flash and of scratch memory that the file would take."""
    return front(graph).bytes + sum(p.bytes for p, _ in _parts(graph)), scratch_bytes(graph)


def float_bits(limit: float) -> int:
    """The largest float32 that is not above a positive limit, as C compares magnitudes: by bits.

    >>> hex(float_bits(1.0)), hex(float_bits(1.0 - 1e-12))
    ('0x3f800000', '0x3f7fffff')
    """
    return int(float32_below(limit).view("uint32"))


def _storage(graph: Graph, node: Node) -> str:
    if node.operation == "paths":
        return "multiplied out"
    if node.operation == "network":
        program = node.attributes["program"]
        return "rows" + ", ranked" * bool(program.ranked) + ", int8" * (program.bits == 8)
    words = []
    for role in ("attention", "filters", "dense"):
        if role in node.constants:
            storage = graph.constant(node, role).storage
            assert storage is not None
            bits = f" {storage.index_bits}-bit" if storage.index_bits else ""
            words.append(f"{storage.kind}{bits}" + (", int8" if storage.bits == 8 else ""))
    return " + ".join(words)


def classes_of(name: str, classes: tuple[str, ...]) -> str:
    quoted = ", ".join(map(in_c_string, classes))
    return f"\nconst char *const {name}_classes[{len(classes)}] = {{{quoted}}};\n"


def table(layers: Sequence[Layer]) -> list[str]:
    """Lines of the header comment."""
    return [
        f"{'layer':<18}{'storage':<28}{'flash':>9}{'RAM':>9}{'MACs':>9}",
        *(f"{x.name:<18}{x.storage:<28}{x.flash:>9}{x.ram:>9}{x.macs:>9}" for x in layers),
    ]


def _head(
    name: str,
    graph: Graph,
    facts: Mapping[str, str],
    layers: tuple[Layer, ...],
    scratch: int,
    macs: int,
) -> str:
    order = (
        "multiplied out"
        if graph.has("paths")
        else "A (U W)"
        if graph.has("mix_relu")
        else "(A U) W"
    )
    ranked = ranks_in(graph)
    given = {
        "bandstop": f"{version('bandstop')}, Python {platform.python_version()}",
        **facts,
        **({"rates": rates_words(ranked, name)} if ranked else {}),
        **({} if graph.has("network") else {"order": order}),
        "MACs": f"{macs} with weights that are not zero",
        "scratch": f"{scratch} bytes, given by the caller",
    }  # fmt: skip
    lines = [f"{name}: generated by bandstop; do not edit.", ""]
    lines += [f"{key:<10}{value}" for key, value in given.items()]
    total = Layer("all", "", sum(x.flash for x in layers), scratch, macs)
    lines += [
        "",
        *table([*layers, total]),
        "",
        "Flash: bytes of weights, positions and constants, without code. RAM: bytes of scratch; layers",
        "that are never alive together share it. No allocation, no global state: threads need a scratch",
        "memory each. Build with -O3 and the processor's own instructions, such as",
        "  cc -std=c11 -O3 -march=native -ffp-contract=fast -c " + name + ".c      (link with -lm)",
        "-DBANDSTOP_PLAIN_C leaves out every extension of the compiler.",
    ]
    return comment(lines)
