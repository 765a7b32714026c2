"""A sweep on a real Dask scheduler with two worker processes, one of which is killed in the middle."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bandstop.errors import BadInput
from bandstop.sweep import Table, expand, sweep

pytest.importorskip("distributed", reason="the extra bandstop[cluster] is not installed")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def cluster(tmp_path) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """A scheduler and two workers of one thread, as processes of their own."""
    address = f"tcp://127.0.0.1:{free_port()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    module = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    port = address.rpartition(":")[2]
    scheduler = subprocess.Popen(
        [*module, "--host", "127.0.0.1", "--port", port, "--no-dashboard"], **quiet
    )
    workers = [
        subprocess.Popen(
            [
                sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1",
                "--no-nanny", "--no-dashboard", "--host", "127.0.0.1",
            ],
            **quiet,
        )
        for _ in range(2)
    ]  # fmt: skip
    yield address, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(cluster, base, dataset, tmp_path):
    address, workers = cluster
    base = replace(base, steps=150)
    plan = expand(base, Table(("dense", "pmp"), (0.5, 0.8), ("1", "2"), (0, 1)), dataset)
    runs, made = tmp_path / "runs", {}

    def kill_one_in_the_middle() -> None:
        while len(list(runs.glob("*/record.json"))) < 4:
            time.sleep(0.05)
        made.update({p: p.stat().st_mtime_ns for p in runs.glob("*/record.json")})
        workers[0].kill()

    killer = threading.Thread(target=kill_one_in_the_middle)
    killer.start()
    done = sweep(plan, dataset, runs, cluster=address)
    killer.join()
    assert workers[0].poll() is not None
    assert done.failed == ()
    assert len(done.records) == len(plan.runs) == 12
    assert made == {p: p.stat().st_mtime_ns for p in made}


def test_an_address_where_no_scheduler_is_gets_one_sentence(base, dataset, tmp_path):
    plan = expand(base, Table(("dense",), (), ("1",), (0,)), dataset)
    with pytest.raises(BadInput, match="no Dask scheduler answers"):
        sweep(plan, dataset, tmp_path, cluster=f"tcp://127.0.0.1:{free_port()}")
