"""Microseconds of networks that are finished: measured on this machine and written into their records."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch

from bandstop.bundle import Bundle, load_bundle
from bandstop.data.normalise import Normalisation
from bandstop.data.speed import SPEEDS
from bandstop.fit.limit import microseconds
from bandstop.job import description_of
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import compact
from bandstop.record import Record, RunFolder, read_record, unpack, write_record
from bandstop.skeleton import Skeleton


def time_run(folder: RunFolder, rates: Collection[float] = ()) -> list[tuple[float, float]]:
    """Measure what a run came to and write `microseconds` into its result, by rate where it has many.

    rates  of a network of many rates, which of them
    Gives (rate, microseconds) for each that was measured; none for a network of many rates, or another than
    the attention GCN, whose bundle is not there.
    Errors: BadInput where the record or that bundle is damaged; Missing without a C compiler.
    """
    record = read_record(folder.record)
    result, found = record.result, []
    if not record.options.many:
        if record.options.closed:
            timed = network_of(record)
        elif folder.bundle.exists():
            timed = load_bundle(folder.bundle)
        else:
            return []
        found.append((record.options.rate, microseconds(timed)))
        result = result | {"microseconds": found[0][1]}
    elif folder.bundle.exists():
        bundle, by_rate = load_bundle(folder.bundle), []
        for row in result["by_rate"]:
            if row["rate_target"] in rates:
                took = microseconds(bundle.at(row["rate_target"], force=True))
                found.append((row["rate_target"], took))
                row = row | {"microseconds": took}
            by_rate.append(row)
        result = result | {"by_rate": by_rate}
    if found:
        write_record(folder.record, replace(record, result=result))
    return found


def network_of(record: Record) -> Bundle:
    """A network with the masks of a record and weights drawn at random, which take as long as any others:
    a record can be timed where its run's own network is not."""
    config = record.options
    masks = {name: torch.from_numpy(unpack(packed)) for name, packed in record.masks.items()}
    description = description_of(config, Skeleton.from_dict(record.skeleton))
    classes = tuple(record.data["classes"])
    shape = Shape(config.heads, *description.size, config.filters, len(classes), config.fusion)
    net = AttentionGCN(shape, torch.Generator().manual_seed(0)).requires_grad_(False)
    kinds = 1 + len(SPEEDS) * description.speeds
    return Bundle(
        compact(net, masks),
        description,
        Normalisation(torch.zeros(description.size), torch.ones(kinds)),
        classes,
        {"method": config.method, "rate": config.rate},
    )
