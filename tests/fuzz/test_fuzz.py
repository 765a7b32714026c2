"""10,000 mutants over every format that is read: each is taken for good and is, or refused in a sentence.

No traceback, nothing over 10 s of processor time (or 60 s of waiting), nothing over 1 GiB, nothing
executed, nothing wrong taken for right.
A finding names a number; `python -m fuzz.worker "issue 9" NUMBER 1 FOLDER` (with src and tests in
PYTHONPATH) makes that mutant again and leaves it in FOLDER/mutant.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

SEED, MUTANTS, BATCH, PAGES = "issue 9", 10_000, 500, 40
TESTS = Path(__file__).parents[1]
HANGS = 1800
"""Seconds after which a whole batch counts as a hang that no alarm could end."""


def run(arguments: list[str], folder: Path) -> list[dict]:
    """The lines of a worker; if it died or hangs, a line with what it was at."""
    paths = [str(TESTS), str(TESTS.parent / "src"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "fuzz.worker", *arguments]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=HANGS
        )
        out, code, err = done.stdout, done.returncode, done.stderr
    except subprocess.TimeoutExpired as error:
        out, code, err = (error.stdout or b"").decode(), -1, "hangs beyond all alarms"
    lines = [json.loads(line) for line in out.splitlines()]
    if code:
        now = folder / "now"
        at = now.read_text() if now.exists() else "its beginning"
        lines.append({"number": at, "wrong": f"the process died ({code}): {err[-600:]}"})
    return lines


def batch(first: int, count: int, folder: Path, pages: int = 0) -> tuple[list[dict], Counter[str]]:
    """Findings, and how often each verdict was given."""
    lines = run([SEED, str(first), str(count), str(folder), "--pages", str(pages)], folder)
    verdicts: Counter[str] = Counter()
    for line in lines:
        verdicts.update(line.get("verdicts", {}))
    return [line for line in lines if "wrong" in line], verdicts


def test_the_first_mutants_are_good_or_refused(tmp_path):
    findings, verdicts = batch(0, 300, tmp_path)
    assert findings == []
    assert sum(verdicts.values()) == 300
    assert {name.split(": ")[1] for name in verdicts} == {"accepted", "refused"}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, MUTANTS, BATCH))
def test_every_mutant_is_good_or_refused(first, tmp_path):
    findings, verdicts = batch(first, BATCH, tmp_path, PAGES)
    assert findings == []
    assert sum(verdicts.values()) == BATCH


# --- the judge can say no -----------------------------------------------------------------------

PLANTED = """
import os, subprocess, sys, time
from pathlib import Path
import numpy as np
from fuzz import worker
from bandstop.errors import BadInput

folder = Path(sys.argv[1])
guard = worker.Guard(folder / "mutant")
worker.SECONDS, worker.WAITING = 0.5, 2
import signal
for each in (signal.SIGALRM, signal.SIGPROF):
    signal.signal(each, worker._hang)

def works():
    while True:
        pass

def asks():
    try:
        np.empty(2**46, np.uint8)
    except Exception as error:
        raise BadInput("it is damaged") from error

def swallows():
    try:
        time.sleep(60)
    except Exception:
        return 1

def refuses(words):
    raise BadInput(words)

FAULTS = {
    "none": lambda folder: 1,
    "refusal": lambda folder: refuses("file is damaged; copy it again"),
    "traceback": lambda folder: {}["x"],
    "hang": lambda folder: time.sleep(60),
    "work without end": lambda folder: works(),
    "swallowed hang": lambda folder: swallows(),
    "system": lambda folder: os.system("true") and 1 or 1,
    "process": lambda folder: subprocess.run(["true"]).returncode + 1,
    "exec": lambda folder: exec("x = 1") or 1,
    "unpickled": lambda folder: __import__("pickle").loads(b"cos\\ngetcwd\\n(tR.") and 1,
    "written": lambda folder: (folder / "../outside").write_text("x"),
    "memory": lambda folder: asks(),
    "pages": lambda folder: refuses("x" * 10_000),
    "no words": lambda folder: refuses(" "),
    "wrong": lambda folder: -1,
}
for name, fault in FAULTS.items():
    worker.READERS["log"] = fault
    verdict, wrong = worker.judged("log", folder, {}, guard, False)
    print(repr((name, verdict, bool(wrong))))
"""
EXPECTED = {
    "none": ("accepted", False),
    "refusal": ("refused", False),
    "traceback": ("traceback", True),
    "hang": ("hang", True),
    "work without end": ("hang", True),
    "swallowed hang": ("hang", True),
    "system": ("execution", True),
    "process": ("execution", True),
    "exec": ("execution", True),
    "unpickled": ("execution", True),
    "written": ("execution", True),
    "memory": ("refused", True),
    "pages": ("refused", True),
    "no words": ("refused", True),
    "wrong": ("accepted", True),
}


def test_each_kind_of_fault_is_found_where_it_is_planted(tmp_path):
    (tmp_path / "mutant").mkdir()
    paths = [str(TESTS), str(TESTS.parent / "src")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-c", PLANTED, str(tmp_path)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = {line[0]: line[1:] for line in map(eval, done.stdout.splitlines())}
    assert said == EXPECTED


def test_a_number_makes_the_same_mutant_again_in_another_process():
    code = "\n".join(
        [
            "import hashlib",
            "from fuzz.worker import made",
            f"mutants = [made({SEED!r}, n, []) for n in range(100)]",
            "print(hashlib.sha256(repr([(k, sorted(f.items())) for k, f in mutants]).encode()).hexdigest())",
        ]
    )
    paths = [str(TESTS), str(TESTS.parent / "src")]
    said = set()
    for hashes in ("1", "2"):
        own = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": hashes}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | own, capture_output=True, text=True, check=True,
        )  # fmt: skip
        said.add(done.stdout)
    assert len(said) == 1
