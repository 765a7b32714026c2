"""The main job: from recordings and a budget to a pruned, compacted, verified network in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch

from bandstop.bundle import load_bundle
from bandstop.data import Dataset, load
from bandstop.errors import BadInput, OtherVersion, listed
from bandstop.files import locked, write_atomically
from bandstop.job.deliver import Outcome, deliver
from bandstop.job.listener import Listener
from bandstop.job.machine import calm_torch, device_named
from bandstop.job.memory import require_memory
from bandstop.job.networks import example_of, network_of
from bandstop.job.task import Task, require_classes
from bandstop.job.training import Trained, Training, take_dense, train_together
from bandstop.method import METHODS, Pruning
from bandstop.record import (
    Config,
    RunFolder,
    read_record,
    run_identity,
    run_name,
)  # fmt: skip
from bandstop.skeleton import Skeleton
from bandstop.text import shown


def design(
    config: Config,
    runs: Path,
    dataset: Dataset | None = None,
    listener: Listener | None = None,
) -> Outcome:
    """Carry one configured run out, or return it if it is finished already.

    The dense reference that it is compared with is a run of its own, made first and shared.
    Errors: BadInput before any training for options, data or a budget that cannot work.
    """
    return design_together([config], runs, dataset, listener)[0]


def design_together(
    configs: Sequence[Config],
    runs: Path,
    dataset: Dataset | None = None,
    listener: Listener | None = None,
) -> list[Outcome]:
    """`design` of runs that differ in fold, seed and rate alone, trained as one batched computation.

    Errors: BadInput where they differ in anything else.
    """
    listener = listener or Listener()
    configs = [config.canonical() for config in configs]
    if len({stack_key(config) for config in configs}) > 1:
        raise BadInput("runs trained together may differ in fold, seed and rate alone")
    dataset = _loaded(configs[0]) if dataset is None else dataset
    with calm_torch():
        return _carry_out(configs, runs, dataset, listener)


def _loaded(config: Config) -> Dataset:
    return load(config.data, drop=config.drop)


def stack_key(config: Config) -> Config:
    """Equal for runs that can be trained together: of one loss, so of one fold where that sets it; and of
    gates with the same levels."""
    if not config.closed:  # normalisation by batch knows no axis of runs, nor do graphs
        return config.canonical()
    fold = "" if config.class_weights == "none" else config.fold
    rate = config.rate if METHODS[config.method].coarsest else 0.0
    return replace(config.canonical(), fold=fold, seed=0, rate=rate)


def _carry_out(
    configs: Sequence[Config],
    runs: Path,
    dataset: Dataset,
    listener: Listener,
    wait: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """`wait`: as in `locked`, for a dense reference that another process may be making just now."""
    for config in configs:
        check(config, dataset)
    device = device_named(configs[0].device)
    folders = {config: run_folder(config, dataset, runs) for config in configs}
    outcomes: dict[Config, Outcome] = {}
    with ExitStack() as locks:
        # always in the same order, so that two processes cannot wait for each other
        for folder in sorted(folders.values(), key=lambda folder: folder.path):
            locks.enter_context(locked(folder.path, wait))
        for config, folder in folders.items():
            if (done := _finished(config, dataset, folder, listener)) is not None:
                listener.say(f"{shown(folder.path)} is finished already")
                outcomes[config] = done
        todo = {c: Task.of(dataset, c, device) for c in folders if c not in outcomes}
        for config in todo:
            text = json.dumps(config.to_dict(), indent=1)
            write_atomically(folders[config].config, text + "\n")
        dense, teachers = _dense_references(list(todo), runs, dataset, listener)
        for config, trained in _trained(todo, folders, dense, teachers, device, listener):
            outcomes[config] = deliver(
                todo[config], trained, folders[config], device, dense.get(config)
            )
    return [outcomes[config] for config in configs]


def _dense_references(
    configs: Sequence[Config], runs: Path, dataset: Dataset, listener: Listener
) -> tuple[dict[Config, Outcome], dict[Config, list[RunFolder]]]:
    """For each pruned run the dense one it is compared with, and for each that is taught those that teach
    it; made where they are missing."""
    of = {config: config.dense() for config in configs if config.method != "dense"}
    taught = {config: config.taught_by for config in configs}
    wanted = list(dict.fromkeys([*of.values(), *(d for each in taught.values() for d in each)]))
    if not wanted:
        return {}, {}
    listener.say("dense reference" if len(wanted) == 1 else "dense references")
    made = _carry_out(
        wanted, runs, dataset, listener,
        lambda holder: listener.say(f"waiting for {holder}, which is making it"),
    )  # fmt: skip
    listener.say(", ".join(dict.fromkeys(f"{c.method} at rate {c.rate:g}" for c in of)))
    by_config = dict(zip(wanted, made, strict=True))
    references = {config: by_config[reference] for config, reference in of.items()}
    return references, {c: [by_config[d].folder for d in each] for c, each in taught.items()}


def _trained(
    todo: dict[Config, Task],
    folders: dict[Config, RunFolder],
    dense: dict[Config, Outcome],
    teachers: dict[Config, list[RunFolder]],
    device: torch.device,
    listener: Listener,
) -> Iterator[tuple[Config, Trained]]:
    """Each run with its trained network; those that stand at the same epoch are trained together."""
    begun: dict[int, list[Training]] = {}
    for config, task in todo.items():
        if METHODS[config.method].trains:
            training = Training.begin(task, folders[config], device)
            begun.setdefault(training.epoch, []).append(training)
        else:
            yield config, take_dense(task, dense[config].folder, device)
    for together in begun.values():
        folders_of = [teachers.get(t.task.config, []) for t in together]
        made = train_together(together, listener, folders_of)
        for training, trained in zip(together, made, strict=True):
            yield training.task.config, trained


def _finished(
    config: Config, dataset: Dataset, folder: RunFolder, listener: Listener
) -> Outcome | None:
    """What the folder holds if it is this very run, whole and sound; else None: it is made (again).

    Errors: BadInput for a record that a newer bandstop wrote, which is not overwritten.
    """
    if not is_finished(folder):
        return None
    try:
        record = read_record(folder.record)
        bundle = load_bundle(folder.bundle)
    except OtherVersion:
        raise
    except BadInput as error:
        listener.say(f"{error}: made again from the last epoch")
        return None
    if run_identity(record.config, record.data["fingerprint"]) != run_identity(
        config.to_dict(), dataset.fingerprint
    ):
        return None
    # the folder may have been moved, or be named from another place
    result = record.result | {"run": shown(folder.path)}
    return Outcome(replace(record, result=result), folder, bundle)


def check(config: Config, dataset: Dataset) -> None:
    """All that can be known to fail before the first step, without memory or time. Errors: BadInput."""
    fold = dataset.fold(config.fold)
    require_possible(config, dataset.skeleton)
    require_classes(dataset, config)
    device_named(config.device)
    require_memory(config, dataset, min(config.batch, len(fold.train)))
    where = "meta" if config.closed else "cpu"  # a graph is followed with an example
    with torch.device(where):
        Pruning(network_of(config.plain, dataset), config, example_of(config, dataset))


NEEDS: dict[str, tuple[str, Callable[[Skeleton], bool]]] = {
    "exchange": ("a second body", lambda s: s.bodies > 1),
    "mirror": ("joints on a left and a right side", lambda s: s.sided),
}
"""Option -> what a skeleton must have for it, and whether it has."""


def require_possible(config: Config, skeleton: Skeleton) -> None:
    """Errors: BadInput for an option that somebody set and that these skeletons cannot have."""
    cannot = [
        f"{option} needs {words}, and skeleton {skeleton.name} has none"
        for option, (words, has) in NEEDS.items()
        if option in config.differing() and getattr(config, option) and not has(skeleton)
    ]
    if cannot:
        can = [option for option, (_, has) in NEEDS.items() if has(skeleton)]
        words = ", ".join([*can, "rotation, tilt, scale, noise and crop"])
        raise BadInput(f"{listed(cannot)}; leave it out; what it can have: {words}")


def run_folder(config: Config, dataset: Dataset, runs: Path) -> RunFolder:
    """Where this run's files are, or will be: the same for the same recordings, however they are named."""
    called = replace(config.canonical(), data=dataset.kind)
    return RunFolder(runs / run_name(called, dataset.fingerprint))


def is_finished(folder: RunFolder) -> bool:
    """The record is written last, so where there is one the run was whole (its files may be damaged)."""
    return folder.record.exists() and folder.bundle.exists()


def all_folds(config: Config, dataset: Dataset) -> list[Config]:
    """The configuration once for each fold that `config.fold` names: itself, or every fold."""
    if config.fold != "all" or not dataset.folds:
        return [config]  # without folds: `dataset.fold` says what to do
    return [replace(config, fold=fold.name) for fold in dataset.folds]
