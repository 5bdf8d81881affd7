"""Measure what 20 open windows cost that ask the service once a second about a long training.

A training with 2,000 events gets one more event a second; beside it are a running segmentation
with 1,800 result files, 20 that have ended with as many names each, and 200 queued jobs. All
clients ask the same question for a while, then the next one: what came since the last question
(``events``), for the segmentation (``job``), for the list of jobs (``jobs``). The share of one
core is that of the service process, with all its threads; ``unasked`` is its share without
clients, for looking after the two jobs in hand.

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
from deepflash_service.jobs.processes import identify_process
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.custody import entrust_to_service
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.events import Event
from deepflash_service.store.mailbox import WorkerRole

GOAL = 0.05
QUESTIONS = ("events", "job", "jobs")
ENDED, QUEUED, FILES = 20, 200, 1800


def make_event(number: int) -> Event:
    """Return an event as a training writes it after an epoch."""
    names = ("loss", "pixel_jaccard", "dice", "roi_jaccard", "f1", "seconds_left", "memory_bytes")
    metrics = dict.fromkeys(names, 0.5 + number / 10000.0)
    return Event("running", f"epoch {number} of 5000", number, 5000, {"epoch": number, **metrics})


def poll(address: Address, path: str, *, ending: threading.Event, waits: list[float]) -> None:
    """Ask once a second, as a window does, after the last event that was told, if any was."""
    headers = {"Authorization": f"Bearer {address.token}"}
    with httpx.Client(base_url=address.url, headers=headers, trust_env=False) as client:
        after = 0
        while not ending.wait(1.0):
            start = time.perf_counter()
            answer = client.get(f"/api/v1/{path}", params={"after": after} if after else {})
            waits.append(time.perf_counter() - start)
            after = int(answer.raise_for_status().json().get("next", 0))


def fill_home(home: Path) -> tuple[runs.Run, runs.Run]:
    """Make the jobs; return the training and the segmentation that run."""
    training = runs.create_run(home, "training", options={"dataset": "d", "model": "m"})
    running, *ended = (make_segmentation(home) for _ in range(ENDED + 1))
    for run in ended:
        runs.append_event(run, Event("done", "Done."))
    for _ in range(QUEUED):
        entrust_to_service(runs.create_run(home, "training", options={"model": "m"}))
    return training, running


def take_in_hand(home: Path, run: runs.Run, role: WorkerRole) -> None:
    """Play the worker that the service adopts with a job, so that the queue behind it waits."""
    mailbox = boxes.create_mailbox(home, f"{role}-played")
    boxes.write_worker(mailbox, facts={**identify_process(), "role": role})
    boxes.post_job(mailbox, run.id)
    runs.append_event(run, Event("running", "Started."))


def make_segmentation(home: Path) -> runs.Run:
    """Make a running segmentation with its files."""
    run = runs.create_run(home, "segmentation", options={"model": "m"})
    runs.append_event(run, Event("running", "image 1 of 300", 1, 300))
    for number in range(FILES):
        folder = run.results / f"image-{number // 6:03}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number % 6}.tif").touch()
    return run


def measure_unasked(address: Address, *, seconds: float = 5.0) -> float:
    """Return the share of one core that the service takes when nobody asks."""
    service = psutil.Process(address.pid)
    time.sleep(2.0)
    before, start = sum(service.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    return (sum(service.cpu_times()[:2]) - before) / (time.monotonic() - start)


def measure(
    address: Address, run: runs.Run, *, path: str, clients: int, seconds: float
) -> dict[str, Any]:
    """Return the share of one core and the times of the answers to one question."""
    ending, waits = threading.Event(), list[float]()
    threads = [
        threading.Thread(
            target=poll, args=(address, path), kwargs={"ending": ending, "waits": waits}
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
    """Start the service on a home folder; return its process and address when it is ready."""
    command = [sys.executable, "-m", "deepflash_service.cli", "serve", "--no-browser"]
    process = subprocess.Popen([*command, "--home", str(home)], stdout=subprocess.DEVNULL)
    while (address := find_service(home)) is None:
        time.sleep(0.05)
    headers = {"Authorization": f"Bearer {address.token}"}
    with httpx.Client(base_url=address.url, headers=headers, trust_env=False) as client:
        while client.get("/api/v1/ready").is_error:
            time.sleep(0.05)
    return process, address


def main() -> None:
    """Run the benchmark and record its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--events", type=int, default=2000)
    chosen = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare_home(home)
        training, running = fill_home(home)
        take_in_hand(home, training, "training")
        take_in_hand(home, running, "warm")
        for number in range(chosen.events):
            runs.append_event(training, make_event(number))
        process, address = start_service(home)
        try:
            unasked = round(measure_unasked(address), 4)
            for path in (f"jobs/{training.id}/events", f"jobs/{running.id}", "jobs"):
                share = measure(
                    address,
                    training,
                    path=path,
                    clients=chosen.clients,
                    seconds=chosen.seconds / len(QUESTIONS),
                )
                figures[QUESTIONS[len(figures)]] = share
        finally:
            process.terminate()
            process.wait(30)
    print(figures)
    settings = {"clients": chosen.clients, "seconds": chosen.seconds}
    settings |= {"training_events": chosen.events, "queued_jobs": QUEUED}
    settings |= {"ended_jobs": ENDED, "files_per_job": FILES, "unasked": unasked}
    record_result("polling", {"goal": GOAL, **settings, **figures})


if __name__ == "__main__":
    main()
