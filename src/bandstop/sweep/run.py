"""Make the runs of a plan, several at once: one process and one torch thread a run (joblib)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from joblib import Parallel, cpu_count, delayed, parallel_config

from bandstop.data import FORMATS, Dataset, canonical, load
from bandstop.errors import BadInput, BandstopError
from bandstop.files import locked
from bandstop.job import Events, design_together, is_finished, run_folder
from bandstop.record import Config, Record, read_record
from bandstop.sweep.progress import Progress, watching
from bandstop.sweep.stacks import stacks
from bandstop.sweep.table import Plan


@dataclass(frozen=True)
class Failed:
    """A run that did not end well, and why."""

    config: Config
    reason: str


@dataclass(frozen=True)
class Sweep:
    """What became of a plan: the records in the plan's order, and the runs that failed."""

    records: tuple[Record, ...]
    failed: tuple[Failed, ...]


@lru_cache(maxsize=4)
def _dataset(spec: str, drop: tuple[str, ...], fingerprint: str) -> Dataset:
    """Loaded once a worker process, which may outlive the recordings as they are now.

    Errors: BadInput where they are not what the sweep was begun with.
    """
    dataset = load(spec, drop=drop)
    if dataset.fingerprint != fingerprint:
        raise BadInput(f"{spec} holds other recordings here than where the sweep was begun")
    return dataset


def _make(
    configs: Sequence[Config], data: str, fingerprint: str, runs: Path, tensorboard: bool = False
) -> list[str | None]:
    """Make runs together in this process; for each the reason if it failed. Unexpected errors are
    reasons too: one broken run must not cost the others, so a stack that fails is made one by one."""
    try:
        dataset = _dataset(data, configs[0].drop, fingerprint)
        design_together(configs, runs, dataset, Events() if tensorboard else None)
    except Exception as error:
        if len(configs) > 1:
            return [_make([config], data, fingerprint, runs, tensorboard)[0] for config in configs]
        known = isinstance(error, BandstopError)
        return [str(error) if known else f"{type(error).__name__}: {error}"]
    return [None] * len(configs)


def pending(configs: Sequence[Config], dataset: Dataset, runs: Path) -> list[Config]:
    """The runs that are not finished yet, or whose record is no good."""
    return [c for c in configs if isinstance(_result(c, dataset, runs), Failed | None)]


def _result(config: Config, dataset: Dataset, runs: Path) -> Record | Failed | None:
    """A run's record; why it cannot be read; None where there is none yet."""
    folder = run_folder(config, dataset, runs)
    if not is_finished(folder):
        return None
    try:
        return read_record(folder.record)
    except BadInput as error:
        return Failed(config, str(error))


@contextlib.contextmanager
def crew(jobs: int | None, cluster: str | None) -> Iterator[int]:
    """While it is entered joblib works with these: processes here, or the workers of a Dask cluster.

    Gives the number of jobs to ask joblib for. Errors: BadInput where Dask is not installed or no
    scheduler answers.
    """
    if cluster is None:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            yield jobs or cpu_count()
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise BadInput("--cluster needs Dask: pip install 'bandstop[cluster]'") from error
    try:
        client = Client(cluster, timeout="10s")
    except (OSError, ValueError, TypeError, RuntimeError, AssertionError) as error:
        # the third and the fourth are of its TLS settings; the last, without words, of a thread that it
        # waits for
        why = str(error).partition("\n")[0] or "Dask did not start in time; is this machine busy?"
        raise BadInput(
            f"no Dask scheduler answers at {cluster} ({why}); start one, look at its address, and at "
            "Dask's TLS settings where it asks for them (docs/how-to/sweeps.md)"
        ) from error
    with client, parallel_config(backend="dask"):
        yield jobs or -1


def sweep(
    plan: Plan,
    dataset: Dataset,
    runs: Path,
    jobs: int | None = None,
    cluster: str | None = None,
    watch: Callable[[Progress], None] | None = None,
    stack: int = 0,
    tensorboard: bool = False,
) -> Sweep:
    """Make every run of the plan that is not finished, `jobs` at a time (default: one a core).

    The dense references are made before what is compared with them. What fails is reported at the end;
    the rest goes on. Killed or stopped, the same call goes on from each run's last epoch.
    cluster  address of a Dask scheduler, such as tls://head:8786, with keys from Dask's configuration;
             its workers must see `runs` and the recordings under the same paths, and work with one
             thread each. Whoever reaches a scheduler by tcp:// runs code on its workers and here
    watch    is called a few times a second with the progress of all runs
    stack    runs trained together as one batched computation; 0: see `stacks`
    tensorboard  log every epoch of every run for TensorBoard
    Errors: BadInput when another sweep works on the same folder (it says which process).
    """
    runs = runs.resolve()
    if tensorboard:
        Events(runs)  # says now what it lacks, not after the first training
    failed: list[Failed] = []
    with locked(runs), watching(plan, dataset, runs, watch), crew(jobs, cluster) as count:
        for phase in (plan.dense, plan.rest):
            groups = stacks(pending(phase, dataset, runs), dataset, stack)
            made = Parallel(n_jobs=count, batch_size=1)(
                delayed(_make)(
                    group, absolute(group[0].data), dataset.fingerprint, runs, tensorboard
                )
                for group in groups
            )
            failed += [
                Failed(config, reason)
                for group, reasons in zip(groups, made, strict=True)
                for config, reason in zip(group, reasons, strict=True)
                if reason is not None
            ]
    results = [_result(config, dataset, runs) for config in plan.runs]
    known = {each.config for each in failed}
    failed += [r for r in results if isinstance(r, Failed) and r.config not in known]
    return Sweep(tuple(r for r in results if isinstance(r, Record)), tuple(failed))


def absolute(spec: str) -> str:
    """`sbu:SBU` -> `sbu:/where/it/is/SBU`, for processes that stand elsewhere.

    >>> absolute("synthetic:gestures")
    'synthetic:gestures'
    """
    kind, _, path = canonical(spec).partition(":")
    return f"{kind}:{Path(path).resolve()}" if FORMATS[kind].path else canonical(spec)
