"""`bs.design`: the main job for people who write Python; the command line does the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bandstop.bundle import Bundle
from bandstop.data import Dataset, canonical
from bandstop.errors import BadInput
from bandstop.job import Listener, Progressing
from bandstop.job import design as carry_out
from bandstop.record import Config, from_mapping, refuse_idle


def design(
    data: Dataset | str = "synthetic",
    *,
    runs: str | Path = "runs",
    listener: Listener | None = None,
    **options: Any,
) -> Bundle:
    """Train, prune, compact and verify a network; the model that comes back predicts and saves.

    data      a data set, or its name as on the command line, such as "sbu:path/to/SBU"
    runs      where the run directory goes; a finished run is not done again
    listener  hears of the progress; default: shown on stderr
    options   any option of `bandstop design`: method, rate, fold, seed, steps, …

    Errors: BadInput for data or options that cannot work, before training, and for a method that is only
    compared with ours and delivers no model; Failure otherwise.
    """
    dataset = data if isinstance(data, Dataset) else None
    if dataset is not None:
        if options.get("drop"):
            raise BadInput(
                "drop is for recordings that are read here; a data set is handed in as it is: load it with "
                "bandstop.load(…, drop=…)"
            )
        options["data"] = dataset.name
        options.setdefault("fold", dataset.folds[0].name if dataset.folds else "1")
    else:
        options["data"] = canonical(data) if isinstance(data, str) else data
    given = from_mapping(options, "design")
    config = Config(**given)
    refuse_idle(config, given)
    return carry_out(config, Path(runs), dataset, listener or Progressing()).bundle
