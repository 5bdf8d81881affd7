"""A Dask scheduler and workers as processes of their own, on the loopback address."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.segment_samples import await_that


@dataclass
class ClusterProcesses:
    """What runs, and where the scheduler listens."""

    folder: Path
    address: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a worker without a nanny, so that nothing restarts it."""
        name = f"worker-{len(self.workers)}"
        options = ["--no-nanny", "--no-dashboard", "--name", name, *arguments]
        options += ["--local-directory", str(self.folder), "--death-timeout", "60"]
        started = _start(self.folder / f"{name}.log", "worker", self.address, *options)
        self.workers.append(started)
        return started

    def start_bare_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker in whose Python this product is not installed."""
        code = (
            "import sys; sys.modules['deepflash_service'] = None;"
            f"sys.argv = ['worker', {self.address!r}, '--no-nanny', '--no-dashboard',"
            f"'--local-directory', {str(self.folder)!r}];"
            "from distributed.cli.dask_worker import main; main()"
        )
        with (self.folder / "bare.log").open("wb") as stream:
            return subprocess.Popen([sys.executable, "-c", code], stdout=stream, stderr=stream)

    def kill_worker(self, number: int) -> None:
        """Kill a worker as the system does, without a farewell."""
        self.workers[number].send_signal(signal.SIGKILL)
        self.workers[number].wait()


@contextmanager
def run_cluster(
    folder: Path, *, workers: int = 0, protocol: str = "tcp"
) -> Iterator[ClusterProcesses]:
    """Run a scheduler, and workers of two threads each, while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    options += ["--scheduler-file", str(facts), "--protocol", protocol]
    scheduler = _start(folder / "scheduler.log", "scheduler", *options)
    cluster = ClusterProcesses(folder, "")
    try:
        await_that(lambda: _read_address(facts) != "")
        cluster.address = _read_address(facts)
        for _ in range(workers):
            cluster.start_worker("--nthreads", "2")
        yield cluster
    finally:
        for process in (*cluster.workers, scheduler):
            process.kill()
            process.wait()


def make_certificate(folder: Path) -> dict[str, str]:
    """Write a certificate that signs itself; return Dask's configuration for it as variables."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=deepflash", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    prefix = "DASK_DISTRIBUTED__COMM__TLS__"
    found = {f"{prefix}CA_FILE": str(certificate)}
    for role in ("CLIENT", "SCHEDULER", "WORKER"):
        found |= {f"{prefix}{role}__KEY": str(key), f"{prefix}{role}__CERT": str(certificate)}
    return found


def _start(log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )


def _read_address(facts: Path) -> str:
    try:
        return str(json.loads(facts.read_text())["address"])
    except (OSError, ValueError, KeyError):
        return ""
