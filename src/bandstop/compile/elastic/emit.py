"""One C file for every rate, out of a network and the ranks of its weights."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np

from bandstop.compile.c.answer import HEADER, SOURCE
from bandstop.compile.c.channels import channel
from bandstop.compile.c.emit import FEWEST_FRAMES, CSource, Layer, classes_of, float_bits, table
from bandstop.compile.c.front import front
from bandstop.compile.c.prelude import PRELUDE, wide
from bandstop.compile.c.rate import ASKS, DECLARED, HELD, SET_RATE, rates_words, words_of
from bandstop.compile.c.read import read
from bandstop.compile.c.text import TYPES, array, comment, filled, identifier, named
from bandstop.compile.elastic import kernel
from bandstop.compile.elastic.plan import MultipliedOut, multiplied_out
from bandstop.compile.elastic.tables import attention_arrays, dense_arrays, filter_arrays
from bandstop.compile.ir import Graph, Storage
from bandstop.compile.layout import WIDE, Array, class_lanes, index_bits, padded, unsigned
from bandstop.compile.passes.buffers import floats
from bandstop.compile.ranked import Ranked
from bandstop.errors import BadInput
from bandstop.fingerprint import fingerprint
from bandstop.text import in_comment

FEW = 2 * WIDE
"""Outputs and nodes that fit into two vectors, from which a permutation picks."""


def emit_elastic(
    graph: Graph, ranked: Ranked, name: str, facts: Mapping[str, str], unit: str = "mm"
) -> CSource:
    """graph: lowered, with the normalisation folded and nothing else."""
    if identifier(name) != name:
        raise BadInput(
            f"{name!r} cannot begin the names of C functions; take letters, digits and _, such as "
            f"{identifier(name)!r}"
        )
    fusion = graph.the("join").attributes["fusion"]
    weights = {
        "attention": graph.data("mix", "attention"),
        "filters": graph.data("filter", "filters"),
        "dense": graph.data("dense", "dense"),
    }
    out = multiplied_out(weights, ranked, fusion)
    first, reads = front(graph), read(graph, graph.the("read"))
    tables = _tables(graph, weights, ranked, fusion)
    kinds = {a.name: TYPES[str(a.data.dtype)] for part in tables.values() for a in part}
    words = _words(graph, weights, ranked, name, out, kinds)
    words |= {
        "NAME": name.upper(),
        "unit": in_comment(unit),
        "calls": "    elastic(signal, memory, logits);",
    }
    mark = fingerprint({n: [a.data for a in part] for n, part in tables.items()}, 8)
    words |= words_of(ranked, mark)
    words |= {"asks": named(ASKS, **words), "declared": named(DECLARED, **words).lstrip()}

    scratch = words["scratch"]
    outputs, features = words["outputs"], words["features"]
    mixed = words["mixed_floats"] - words["u_floats"] + words["heads"] * features * words["stride"]
    ram = {"attention": 4 * mixed}
    times = {"attention": features, "filters": outputs, "dense": 1}
    macs = {n: int(np.count_nonzero(weights[n])) * each for n, each in times.items()}
    front_ram = 4 * (words["state_at"] + floats(graph, "means"))
    layers = (
        Layer("frames to signal", "", first.bytes + reads.bytes, front_ram, first.macs),
        *(
            Layer(n, "ranked", sum(a.bytes for a in part), ram.get(n, 0), macs[n])
            for n, part in tables.items()
        ),
        Layer("plan of a rate", "", 0, words["plan_bytes"], 0),
    )
    total = sum(layer.macs for layer in layers)
    head = _head(name, facts, ranked, out, layers, scratch, total)
    of_signal = words | {"features": words["width"]}  # the kernel's are those that are read
    header = head + named(HEADER, **of_signal)
    code = [
        first.code,
        reads.code,
        filled(kernel.PLAN, **words),
        filled(HELD, **words),
        filled(kernel.PLAN_TWO, **words),
        filled(kernel.PLAN_ONE, **words),
        filled(kernel.MIX, **words),
        channel("filter", words["channels"], words["stride"],
                {"filter_row": kinds["filter_at"], "filter_weight": "float"},
                Storage("rows", words["filter_bits"])),
        filled(kernel.CHANNELS, **words),
        filled(kernel.TERMS, **words),
        filled(kernel.CALL, **words),
        named(SOURCE, **words),
        named(SET_RATE, **words),
    ]  # fmt: skip
    arrays = [*first.arrays, *reads.arrays, *(a for part in tables.values() for a in part)]
    source = "".join(
        [
            head,
            f'\n#include "{name}.h"\n\n#include <math.h>\n#include <stdint.h>\n#include <string.h>\n',
            PRELUDE,
            "\n/* ---- weights, positions and ranks ---- */\n",
            *(array(a) for a in arrays),
            classes_of(name, graph.classes),
            *code,
        ]
    )
    return CSource(name, source, header, layers, scratch, total, dict(facts))


def _tables(
    graph: Graph, weights: dict[str, np.ndarray], ranked: Ranked, fusion: str
) -> dict[str, list[Array]]:
    """Layer -> its arrays."""
    width = graph.inputs["signal"][1]
    joints, features = (graph.data("read", r) for r in ("joints", "features"))
    filters = filter_arrays(weights["filters"], ranked, fusion == "sum")
    filters.append(Array("filter_bias", graph.constants["filter_bias"].data.astype(np.float32)))
    dense = dense_arrays(weights["dense"], ranked)
    dense.append(Array("dense_constant", graph.constants["class_bias"].data.astype(np.float32)))
    largest = graph.inputs["signal"][0] * width
    places = [
        Array("signal_node", unsigned(joints * width, index_bits(largest))),
        Array("signal_feature", unsigned(features, index_bits(width))),
    ]
    return {
        "attention": [*attention_arrays(weights["attention"], ranked), *places],
        "filters": filters,
        "dense": dense,
    }


def _words(
    graph: Graph,
    weights: dict[str, np.ndarray],
    ranked: Ranked,
    name: str,
    out: MultipliedOut,
    kinds: dict[str, str],
) -> dict:
    """Everything that the templates ask for."""
    heads, outputs, inputs = weights["attention"].shape
    features, classes = weights["filters"].shape[1], weights["dense"].shape[2]
    channels = weights["dense"].shape[0]
    nodes, width = graph.inputs["signal"]
    stride, stride_in = padded(outputs), padded(inputs)
    groups, each, lanes = class_lanes(classes)
    source = TYPES[f"uint{max(16, index_bits(nodes * width - 1))}"]
    few_in, few = stride_in <= FEW, stride <= FEW
    signal = padded(nodes * width)
    state = floats(graph, "means")
    u = signal
    mixed = u + features * stride_in
    activations = max(mixed + heads * features * stride, u + out.groups * WIDE, signal + state)
    two = 4 * (1 + heads + heads * stride // WIDE + channels * (3 + groups))
    one = (
        4 * (1 + out.groups + groups + out.groups * WIDE + out.slots * WIDE)
        + 6 * groups * out.dense * WIDE
        + out.slots * WIDE * (4 if source == "uint32_t" else 2)
        + 2 * (4 * out.pairs + heads * outputs)
        + 4 * (out.terms + 2)
        + 16
    )
    plan = padded(8 + max(two, one), 64)
    return {
        "name": name, "heads": heads, "outputs": outputs, "inputs": inputs, "features": features,
        "classes": classes, "channels": channels, "nodes": nodes, "width": width,
        "stride": stride, "stride_in": stride_in, "groups": groups,
        "mix_tiles": stride // WIDE, "mix_groups": heads * stride // WIDE,
        "rows": features * (heads if graph.the("join").attributes["fusion"] == "sum" else 1),
        "keep": out.keep, "pairs": out.pairs, "pair_groups": out.groups, "slots": out.slots,
        "terms": out.terms, "dense_slots": out.dense, "plan_bytes": plan,
        "plan_floats": padded(activations), "signal_at": 0, "state_at": signal,
        "u_floats": u, "mixed_floats": mixed, "scratch": 64 + 4 * padded(activations) + plan,
        "source_type": source,
        "rank_bits": ranked.bits,
        "mix_at_type": kinds["mix_at"], "dense_at_type": kinds["dense_at"],
        "mix_wide": wide(kinds["mix_at"], "at"), "dense_wide": wide(kinds["dense_at"], "at"),
        "rank_wide": wide(kinds["mix_rank"], "rank"), "source_wide": wide(source, "source"),
        "pair_wide": wide("uint16_t", "at"),
        "filter_bits": {"uint8_t": 8, "uint16_t": 16, "uint32_t": 32}[kinds["filter_at"]],
        "registers": filled(kernel.REGISTERS, stride_in=stride_in, upper=stride_in - WIDE)
        if few_in else "",
        "look_up": "_mm512_permutex2var_ps(lo[r], i, hi[r])" if few_in
        else f"gathered(i, x + r * {stride_in})",
        "row": filled(ROW_IF_PLAIN if few else ROW, stride=stride),
        "keep_row": KEEP_IF_PLAIN if few else KEEP,
        "dense_look_up": "_mm512_permutex2var_ps((__m512)h[0], i, (__m512)h[ROW_VECS - 1])" if few
        else "gathered(i, row)",
        "logits": filled(kernel.LOGITS, classes=classes, each=each, lanes=lanes),
        "fewest": FEWEST_FRAMES,
        "reach": float_bits(graph.reach), "farthest": float_bits(graph.farthest),
    }  # fmt: skip


ROW = "float row[$stride];"
ROW_IF_PLAIN = "\n#if !(LANES == 16 && VECTORS)\n        float row[$stride];\n#endif"
KEEP = "UNROLL for (int v = 0; v < ROW_VECS; v++) store(row + (t + v) * LANES, h[v]);"
KEEP_IF_PLAIN = f"\n#if !(LANES == 16 && VECTORS)\n            {KEEP}\n#endif"


def _head(
    name: str,
    facts: Mapping[str, str],
    ranked: Ranked,
    out: MultipliedOut,
    layers: tuple[Layer, ...],
    scratch: int,
    macs: int,
) -> str:
    switch = 1 - out.keep / ranked.weights
    lines = [
        f"{name}: generated by bandstop; do not edit.",
        "",
        f"{'bandstop':<10}{version('bandstop')}, Python {platform.python_version()}",
        *(f"{key:<10}{value}" for key, value in facts.items()),
        f"{'rates':<10}{rates_words(ranked, name)}",
        f"{'order':<10}(A U) W, multiplied out from rate {switch:.4f} on" if out.keep else
        f"{'order':<10}(A U) W",
        f"{'MACs':<10}{macs} at rate {ranked.lowest:g}, with weights that are not zero",
        f"{'scratch':<10}{scratch} bytes, given by the caller",
        "",
        *table([*layers, Layer("all", "", sum(x.flash for x in layers), scratch, macs)]),
        "",
        "Flash: bytes of weights, positions, ranks and constants, without code. RAM: bytes of scratch;",
        "layers that are never alive together share it. No allocation, no global state: threads need a",
        "scratch memory each, and may set rates of their own. Build with -O3 and the processor's own",
        "instructions, such as",
        f"  cc -std=c11 -O3 -march=native -ffp-contract=fast -c {name}.c      (link with -lm)",
        "-DBANDSTOP_PLAIN_C leaves out every extension of the compiler.",
    ]  # fmt: skip
    return comment(lines)
