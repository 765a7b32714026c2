"""A process that reads mutants one after the other and says what went wrong with each.

    python -m fuzz.worker SEED FIRST COUNT FOLDER [--pages] [--formats bundle,npz]

A line of JSON for every finding, and one for the whole at the end. The number of a mutant makes the
same one again: `python -m fuzz.worker SEED NUMBER 1 FOLDER` leaves it in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import torch
from fuzz.corpus import SEEDS, seeds
from fuzz.mutate import mutate
from fuzz.readers import CHECKS, READERS, _page

from bandstop.errors import BadInput, BandstopError, OtherVersion

SECONDS, WAITING, MEMORY = 10, 60, 2**30
"""Of the processor; of the clock, on a machine that does other things too; bytes."""
WEIGHTS = {"bundle": 5, "record": 3, "npz": 4, "checkpoint": 3, "csv": 3, "one of three": 3}
"""How often a format comes; the others once."""
FORBIDDEN = (
    "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "pty.spawn",
    "pickle.find_class", "socket.connect", "ctypes.dlopen", "code.__new__", "webbrowser.open",
)  # fmt: skip


class Hang(BaseException):
    """Not to be caught by a boundary."""


class Guard:
    """While it is armed, whatever reading must never do is noted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.armed, self.seen = str(folder), False, ""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, given: tuple) -> None:
        if not self.armed or self.seen:
            return
        if event.startswith(FORBIDDEN):
            self.seen = f"{event} {given!r:.200}"
        elif event == "exec" and str(getattr(given[0], "co_filename", "")).startswith("<string"):
            self.seen = f"exec of {given[0]!r:.200}"
        elif event == "open":
            path, mode, flags = given
            writes = isinstance(mode, str) and any(c in mode for c in "wax+")
            writes = writes or bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            inside = isinstance(path, int) or os.path.abspath(os.fsdecode(path)).startswith(
                self.folder
            )
            if writes and not inside:
                self.seen = f"open {path!r} to write"


def kinds(only: list[str]) -> list[str]:
    return [kind for kind in SEEDS if not only or kind in only for _ in range(WEIGHTS.get(kind, 1))]


def made(seed: str, number: int, only: list[str]) -> tuple[str, dict[str, bytes]]:
    """The format and the files of a mutant."""
    random = Random(f"{seed}/{number}")
    every = kinds(only)
    kind = every[number % len(every)]
    return kind, mutate(random.choice(seeds(kind)), random)


def judged(
    kind: str, folder: Path, files: dict[str, bytes], guard: Guard, pages: bool
) -> tuple[str, str]:
    """(verdict, what is wrong); wrong is empty where nothing is."""
    _alarm(1)
    guard.armed, guard.seen = True, ""
    try:
        read = READERS[kind](folder)
        guard.armed = False
        if guard.seen:
            return "execution", guard.seen
        _alarm(12)
        wrong = CHECKS[kind](read, folder, files)
        if kind == "record" and pages and not wrong:
            wrong = _page(read, folder, files)
        return "accepted", wrong
    except BandstopError as error:
        guard.armed = False
        if guard.seen:
            return "execution", guard.seen
        return "refused", _no_sentence(error)
    except Hang:
        return "hang", f"longer than {SECONDS} s of work or {WAITING} s"
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-6:]
        where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(last))
        return "traceback", f"{type(error).__name__}: {error!s:.300} at {where}"
    finally:
        _alarm(0)
        guard.armed = False


def _alarm(times: int) -> None:
    """In so many times the time that reading may take; 0: never."""
    signal.setitimer(signal.ITIMER_PROF, times * SECONDS)
    signal.setitimer(signal.ITIMER_REAL, times * WAITING)


def _no_sentence(error: BandstopError) -> str:
    """What is wrong with a refusal: no sentence, pages, or memory that was asked for before it."""
    said, cause = str(error), error.__cause__
    while cause is not None:
        if isinstance(cause, MemoryError) or "not enough memory" in str(cause):
            return f"it asked for memory: {cause!s:.200}"
        cause = cause.__cause__
    if not said.strip() or "Traceback" in said or len(said) > 6000:
        return f"no sentence: {said!r:.300} ({len(said)} characters)"
    if not isinstance(error, BadInput | OtherVersion):
        return f"not the file's fault: {said:.200}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seed")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--pages", type=int, default=0, help="a whole report for every so-manieth record"
    )
    parser.add_argument("--formats", default="")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    only = [kind for kind in asked.formats.split(",") if kind]
    scratch = asked.folder / "mutant"
    asked.folder.mkdir(parents=True, exist_ok=True)
    canary = asked.folder / "canary"
    canary.write_text("alive")
    os.environ["CANARY"] = str(canary)
    os.chdir(asked.folder)
    for kind in dict.fromkeys(
        kinds(only)
    ):  # whatever is imported late, and what reading takes by itself
        for files in seeds(kind):
            _write(scratch, files)
            CHECKS[kind](READERS[kind](scratch), scratch, files)
        if kind == "record" and asked.pages:
            _page(None, scratch, {})
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    pages_ = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages_ + MEMORY, resource.RLIM_INFINITY))
    for each in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(each, _hang)
    guard = Guard(scratch.resolve())
    verdicts: Counter[str] = Counter()
    records = 0
    for number in range(asked.first, asked.first + asked.count):
        kind, files = made(asked.seed, number, only)
        if not _write(scratch, files):
            verdicts["not a name"] += 1
            continue
        (asked.folder / "now").write_text(f"{number} {kind}")
        records += kind == "record"
        pages = bool(asked.pages) and kind == "record" and records % asked.pages == 0
        verdict, wrong = judged(kind, scratch, files, guard, pages)
        verdicts[f"{kind}: {verdict}"] += 1
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if not wrong and peak > base + MEMORY:
            wrong, base = f"{peak - base} bytes more than before", peak
        if wrong or canary.read_text() != "alive" or len(list(asked.folder.glob("canary*"))) > 1:
            wrong = wrong or "the canary is dead"
            print(
                json.dumps({"number": number, "kind": kind, "verdict": verdict, "wrong": wrong}),
                flush=True,
            )
    print(json.dumps({"verdicts": verdicts, "peak": peak - base}), flush=True)


def _hang(*_: Any) -> None:
    raise Hang


def _write(folder: Path, files: dict[str, bytes]) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return True


if __name__ == "__main__":
    main()
