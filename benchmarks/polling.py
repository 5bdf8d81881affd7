"""Measure what 20 open windows cost that ask the service once a second about a long training.

A job with 2,000 events gets one more event a second, as a training writes them; every client
asks for what came since its last question. The share of one core is that of the service
process, with all its threads.

Run: .venv/bin/python -m benchmarks.polling [--clients 20] [--seconds 30] [--events 2000]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.recording import record_result
from deepflash_service.bridge.launch import Address, find_service
from deepflash_service.store import runs
from deepflash_service.store.custody import hold_run
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.events import Event

GOAL = 0.05


def make_event(number: int) -> Event:
    """Return an event as a training writes it after an epoch."""
    names = ("loss", "pixel_jaccard", "dice", "roi_jaccard", "f1", "seconds_left", "memory_bytes")
    metrics = dict.fromkeys(names, 0.5 + number / 10000.0)
    return Event("running", f"epoch {number} of 5000", number, 5000, {"epoch": number, **metrics})


def poll(address: Address, job: str, *, ending: threading.Event, waits: list[float]) -> None:
    """Ask for new events once a second, as a window does."""
    headers = {"Authorization": f"Bearer {address.token}"}
    with httpx.Client(base_url=address.url, headers=headers, trust_env=False) as client:
        after = 0
        while not ending.wait(1.0):
            start = time.perf_counter()
            answer = client.get(f"/api/v1/jobs/{job}/events", params={"after": after})
            waits.append(time.perf_counter() - start)
            after = int(answer.raise_for_status().json()["next"])


def measure(address: Address, run: runs.Run, *, clients: int, seconds: float) -> dict[str, Any]:
    """Return the share of one core and the times of the answers."""
    ending, waits = threading.Event(), list[float]()
    threads = [
        threading.Thread(
            target=poll, args=(address, run.id), kwargs={"ending": ending, "waits": waits}
        )
        for _ in range(clients)
    ]
    for number, thread in enumerate(threads):
        thread.start()
        time.sleep(1.0 / clients if number else 0.0)
    time.sleep(2.0)
    del waits[:]
    service = psutil.Process(address.pid)
    before, start = sum(service.cpu_times()[:2]), time.monotonic()
    for number in range(int(seconds)):
        runs.append_event(run, make_event(number))
        time.sleep(1.0)
    used, wall = sum(service.cpu_times()[:2]) - before, time.monotonic() - start
    ending.set()
    for thread in threads:
        thread.join()
    return {
        "core_share": round(used / wall, 4),
        "requests_per_second": round(len(waits) / wall, 1),
        "milliseconds_median": round(1000 * statistics.median(waits), 2),
        "milliseconds_p99": round(1000 * statistics.quantiles(waits, n=100)[98], 2),
        "processor_milliseconds_per_request": round(1000 * used / len(waits), 2),
    }


def start_service(home: Path) -> tuple[subprocess.Popen[bytes], Address]:
    """Start the service on a home folder and return its process and address."""
    command = [sys.executable, "-m", "deepflash_service.cli", "serve", "--no-browser"]
    process = subprocess.Popen([*command, "--home", str(home)], stdout=subprocess.DEVNULL)
    while (address := find_service(home)) is None:
        time.sleep(0.05)
    return process, address


def main() -> None:
    """Run the benchmark and record its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--events", type=int, default=2000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare_home(home)
        run = runs.create_run(home, "training", options={"dataset": "d", "model": "m"})
        with hold_run(run):
            for number in range(chosen.events):
                runs.append_event(run, make_event(number))
            process, address = start_service(home)
            try:
                figures = measure(address, run, clients=chosen.clients, seconds=chosen.seconds)
            finally:
                process.terminate()
                process.wait(30)
    print(figures)
    settings = {"clients": chosen.clients, "events": chosen.events, "seconds": chosen.seconds}
    record_result("polling", {"goal": GOAL, **settings, **figures})


if __name__ == "__main__":
    main()
