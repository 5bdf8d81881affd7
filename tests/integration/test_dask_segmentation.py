"""``segment --scheduler`` over real Dask workers, of which one is killed."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.integration.dask_cluster import ClusterProcesses, make_certificate, run_cluster
from tests.integration.segment_samples import (
    Samples,
    await_that,
    find_differences,
    list_records,
    make_samples,
)

pytestmark = [pytest.mark.keras, pytest.mark.slow]
COUNT = 300


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Return 300 images and a model."""
    return make_samples(tmp_path_factory.mktemp("dask"), count=COUNT)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterProcesses]:
    """Return a scheduler without workers."""
    with run_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def test_a_scheduler_without_workers_is_told(
    samples: Samples, cluster: ClusterProcesses, tmp_path: Path
) -> None:
    """After the time given it ends with one sentence that names the remedy."""
    done = samples.run(tmp_path, "--scheduler", cluster.address, "--worker-timeout", 2)
    assert (done.returncode, done.stdout) == (1, "")
    assert "has had no worker for 2 seconds" in done.stderr
    assert f"dask worker {cluster.address}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_scheduler_that_is_gone_is_told_soon(samples: Samples, tmp_path: Path) -> None:
    """Nobody waits for minutes for a wrong address."""
    start = time.monotonic()
    done = samples.run(tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
    assert time.monotonic() - start < 20
    assert done.returncode == 1
    assert "tcp://127.0.0.1:9 cannot be reached" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_worker_without_the_product_is_told(
    samples: Samples, cluster: ClusterProcesses, tmp_path: Path
) -> None:
    """The worker lives on, and the sentence tells what to install there."""
    bare = cluster.start_bare_worker()
    try:
        done = samples.run(tmp_path, "--scheduler", cluster.address, "--worker-timeout", 60)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Install the same deepflash-service" in done.stderr
        assert bare.poll() is None
    finally:
        bare.kill()
        bare.wait()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_an_encrypted_scheduler_is_reached(
    samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the certificates in Dask's configuration; without them the sentence names them."""
    configuration = make_certificate(tmp_path)
    for name, value in configuration.items():
        monkeypatch.setenv(name, value)
    with run_cluster(tmp_path / "cluster", protocol="tls") as encrypted:
        assert encrypted.address.startswith("tls://")
        arguments = ["--scheduler", encrypted.address, "--worker-timeout", 0]
        done = samples.run(tmp_path / "out", *arguments)
        assert "has had no worker" in done.stderr
        for name in configuration:
            monkeypatch.delenv(name)
        done = samples.run(tmp_path / "out", *arguments)
        assert "name the certificates in Dask's configuration" in done.stderr


def test_a_killed_worker_costs_nothing(
    samples: Samples, cluster: ClusterProcesses, tmp_path: Path
) -> None:
    """Of two workers one is killed with -9: 300 results, the same as those of one process.

    Before that, Ctrl+C ends a run; what was done by then is not done again.
    """
    for _ in range(2):
        cluster.start_worker("--nthreads", "2")
    found = tmp_path / "found"
    stopped = samples.start(found, "--scheduler", cluster.address)
    await_that(lambda: len(list_records(found)) >= 20)
    stopped.send_signal(signal.SIGINT)
    _, text = stopped.communicate(timeout=30)
    assert stopped.returncode == 130
    assert len(text.split("\n")) == 3, text
    early = {name: (found / f"{name}_RoiSet.zip").stat() for name in list_records(found)}
    assert len(early) < 150

    started = samples.start(found, "--scheduler", cluster.address)
    await_that(lambda: len(list_records(found)) >= 150)
    cluster.kill_worker(0)
    assert len(list_records(found)) < COUNT - 20
    output, text = started.communicate(timeout=240)
    assert started.returncode == 0, text
    assert re.fullmatch(r"(Warning: i\d+\.tif: found nothing: .*\n)*", text)

    samples.segment_undivided(tmp_path / "expected", like=found)
    assert find_differences(found, tmp_path / "expected") == []
    assert len(list(found.glob("*_RoiSet.zip"))) == COUNT
    images = [f"i{number:03d}.tif" for number in range(COUNT)]
    assert [one["image"] for one in json.loads(output)["images"]] == images
    assert pd.read_csv(found / "summary.csv")["Image"].tolist() == images
    for name, facts in early.items():
        assert (found / f"{name}_RoiSet.zip").stat().st_mtime_ns == facts.st_mtime_ns
