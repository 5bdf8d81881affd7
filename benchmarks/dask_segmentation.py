"""Kill a Dask worker with -9 in the middle, and count the results.

Two worker processes on the loopback address segment 300 small images; one is killed when half
is done. A plugin of the scheduler counts how often each task was given to a worker. The results
are compared, byte by byte, with those of one process without Dask.

    .venv/bin/python -m benchmarks.dask_segmentation
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import distributed
import pandas as pd
from distributed.diagnostics.plugin import SchedulerPlugin

from benchmarks.recording import record_result
from tests.integration.dask_cluster import ClusterProcesses, run_cluster
from tests.integration.segment_samples import (
    Samples,
    await_that,
    find_differences,
    list_records,
    make_samples,
)

COUNT = 300


class _Counter(SchedulerPlugin):
    """Counts how often each task was given to a worker."""

    name = "counter"

    def __init__(self) -> None:
        self.given: dict[str, int] = {}

    def transition(
        self, key: Any, start: Any, finish: Any, *_arguments: object, **_facts: object
    ) -> None:
        """Told of every step of every task."""
        if finish == "processing" and start != "processing":
            self.given[str(key)] = self.given.get(str(key), 0) + 1


@contextmanager
def _count_tasks(address: str) -> Iterator[dict[str, int]]:
    given: dict[str, int] = {}
    connect: Any = distributed.Client
    with connect(address, set_as_default=False) as client:
        client.register_plugin(_Counter())
        yield given
        given.update(client.run_on_scheduler(_read_counts))


def _read_counts(dask_scheduler: Any) -> Any:
    return dask_scheduler.plugins["counter"].given


def _segment(samples: Samples, cluster: ClusterProcesses, output: Path) -> dict[str, Any]:
    """Segment all images, kill one worker when half is done, and tell times and counts."""
    with _count_tasks(cluster.address) as given:
        start = time.perf_counter()
        started = samples.start(output, "--scheduler", cluster.address)
        await_that(lambda: len(list_records(output)) >= COUNT // 2)
        done = len(list_records(output))
        cluster.kill_worker(0)
        text, _ = started.communicate()
        seconds = time.perf_counter() - start
    images = json.loads(text)["images"]
    summary = pd.read_csv(output / "summary.csv")["Image"]
    return {
        "exit_code": started.returncode,
        "seconds": round(seconds, 1),
        "done_when_the_worker_was_killed": done,
        "tasks": len(given),
        "tasks_given_twice": sum(number > 1 for number in given.values()),
        "results": len(list(output.glob("*_RoiSet.zip"))),
        "failed": sum(one["error"] is not None for one in images),
        "missing_rows": COUNT - int(summary.nunique()),
        "doubled_rows": len(summary) - int(summary.nunique()),
    }


def main() -> None:
    """Run it and write the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = make_samples(folder, count=COUNT)
        with run_cluster(folder / "cluster", workers=2) as cluster:
            found = _segment(samples, cluster, folder / "found")
        start = time.perf_counter()
        samples.segment_undivided(folder / "expected", like=folder / "found")
        found["seconds_of_one_process"] = round(time.perf_counter() - start, 1)
        found["files_that_differ"] = len(find_differences(folder / "found", folder / "expected"))
    record_result("dask_segmentation", {"images": COUNT, "workers": 2, "killed": 1, **found})


if __name__ == "__main__":
    main()
