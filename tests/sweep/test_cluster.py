"""A sweep on a real Dask scheduler with two worker processes, one of which is killed in the middle."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bandstop.errors import BadInput
from bandstop.sweep import Sweep, Table, expand, sweep

distributed = pytest.importorskip(
    "distributed", reason="the extra bandstop[cluster] is not installed"
)
dask = pytest.importorskip("dask")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


Processes = list[subprocess.Popen]


@contextlib.contextmanager
def served(
    folder: Path, protocol: str = "tcp", env: dict[str, str] | None = None, workers: int = 2
):
    """A scheduler and workers of one thread, as processes of their own: (address, workers)."""
    address = f"{protocol}://127.0.0.1:{free_port()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    quiet["env"] = {**os.environ, **(env or {})}
    host = ["--host", "127.0.0.1", "--no-dashboard"]
    module = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--protocol", protocol]
    scheduler = subprocess.Popen([*module, *host, "--port", address.rpartition(":")[2]], **quiet)
    module = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny"]
    crew = [subprocess.Popen([*module, *host, "--nthreads", "1"], **quiet) for _ in range(workers)]
    try:
        yield address, crew
    finally:
        for process in (*crew, scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path) -> Iterator[tuple[str, Processes]]:
    with served(tmp_path) as there:
        yield there


def certificate(folder: Path, name: str) -> dict[str, str]:
    """A key and a certificate that signs itself, as Dask's settings for all three parts."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=bandstop",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    found = {"TLS__CA_FILE": str(cert), "REQUIRE_ENCRYPTION": "True"}
    for part in ("SCHEDULER", "WORKER", "CLIENT"):
        found |= {f"TLS__{part}__CERT": str(cert), f"TLS__{part}__KEY": str(key)}
    return {f"DASK_DISTRIBUTED__COMM__{key}": value for key, value in found.items()}


def swept(plan, dataset, folder: Path, env: dict[str, str], address: str) -> Sweep | str:
    """What a sweep with these settings came to, or how it was refused."""
    dask.config.refresh(env=os.environ | env)
    try:
        return sweep(plan, dataset, folder, cluster=address)
    except BadInput as error:
        return str(error)
    finally:
        dask.config.refresh()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the program openssl is not installed")
def test_by_tls_a_sweep_is_made_and_nobody_else_is_answered(base, dataset, tmp_path):
    ours, strangers = certificate(tmp_path, "ours"), certificate(tmp_path, "strangers")
    plan = expand(base, Table(("dense",), (), ("1",), (0,)), dataset)
    with served(tmp_path, "tls", ours, workers=1) as (address, _):
        done = swept(plan, dataset, tmp_path / "runs", ours, address)
        assert isinstance(done, Sweep)
        assert (len(done.records), done.failed) == (1, ())
        plain = address.replace("tls", "tcp")
        refused = [
            swept(plan, dataset, tmp_path / "a", {}, address),  # without a certificate
            swept(plan, dataset, tmp_path / "b", {}, plain),  # without TLS
            swept(plan, dataset, tmp_path / "c", strangers, address),  # with another authority's
            swept(plan, dataset, tmp_path / "d", ours, plain),  # where encryption is required
        ]
    for said in refused:
        assert isinstance(said, str)
        assert said.startswith("no Dask scheduler answers at ")
        assert "\n" not in said
    assert not list(tmp_path.glob("[abcd]/*/"))


def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(cluster, base, dataset, tmp_path):
    address, workers = cluster
    base = replace(base, steps=100)
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


def test_an_address_where_no_scheduler_is_gets_one_sentence(base, dataset, tmp_path, monkeypatch):
    """Within the time that is given it to answer, here a second."""
    client = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda address, timeout: client(address, timeout=1))
    plan = expand(base, Table(("dense",), (), ("1",), (0,)), dataset)
    with pytest.raises(BadInput, match="no Dask scheduler answers"):
        sweep(plan, dataset, tmp_path, cluster=f"tcp://127.0.0.1:{free_port()}")


def test_a_machine_too_busy_for_dask_to_start_gets_one_sentence(
    base, dataset, tmp_path, monkeypatch
):
    def late(address, timeout):
        raise AssertionError  # as distributed does where its thread does not run in time

    monkeypatch.setattr(distributed, "Client", late)
    plan = expand(base, Table(("dense",), (), ("1",), (0,)), dataset)
    with pytest.raises(BadInput, match="Dask did not start in time"):
        sweep(plan, dataset, tmp_path, cluster="tcp://127.0.0.1:1")
