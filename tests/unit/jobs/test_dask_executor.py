"""The Dask executor without a cluster: its sentences, its versions, its turns."""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from deepflash_service import __version__
from deepflash_service.errors import ComputeError, DeepFlashError, InputError, SetupError
from deepflash_service.jobs import dask_tasks
from deepflash_service.jobs.dask_executor import DaskCluster, connect_cluster
from deepflash_service.jobs.dask_tasks import run_task
from deepflash_service.records import IsCancelled, Progress

Answer = Callable[[Any, int], Any]


def keep(item: Any, is_cancelled: IsCancelled) -> Any:
    """Return the item."""
    assert not is_cancelled()
    return item


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tasks run outside a worker."""
    monkeypatch.setattr(dask_tasks, "_watch_task", lambda: lambda: False)


class FakeFuture:
    """A task that is done at once, one way or the other."""

    def __init__(self, key: str, outcome: Any) -> None:
        self.key = key
        self.outcome = outcome

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Call back, unless the task never ends."""
        if self.outcome is not None:
            callback(self)

    def result(self) -> Any:
        """Return or raise the outcome."""
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def release(self) -> None:
        """Do nothing."""


class FakeClient:
    """A client whose tasks end as ``answer(item, attempt)`` says; None = never."""

    def __init__(self, answer: Answer, workers: int = 1) -> None:
        self.answer = answer
        self.workers = workers
        self.cancelled: list[str] = []
        self.sent: list[Any] = []

    def map(
        self, opens: Callable[[bytes], Any], tasks: list[bytes], *, key: list[str], **facts: Any
    ) -> list[Any]:
        """Open the tasks, which runs them, and return a future for each."""
        assert facts["pure"] is False
        items = [opens(task) for task in tasks]
        self.sent += items
        return [
            FakeFuture(name, self.answer(item, self.sent.count(item)))
            for name, item in zip(key, items, strict=True)
        ]

    def nthreads(self) -> dict[str, int]:
        """Return the workers."""
        return {f"w{number}": 1 for number in range(self.workers)}

    def cancel(self, futures: list[FakeFuture], *, force: bool) -> None:
        """Remember what was cancelled."""
        assert force
        self.cancelled += [future.key for future in futures]


def open_cluster(client: FakeClient, patience: float = 60.0) -> tuple[DaskCluster, list[Progress]]:
    """Return a cluster with a fake client, and what it reports."""
    seen: list[Progress] = []
    return DaskCluster(client, "tcp://x:1", patience=patience, report=seen.append), seen


def killed() -> Exception:
    """Return what Dask raises for a task that took its workers down."""
    from distributed.scheduler import KilledWorker, WorkerState

    return KilledWorker("task", WorkerState.__new__(WorkerState), 3)


def test_every_item_gives_one_result() -> None:
    """Positions tell which result belongs to which item."""
    cluster, _ = open_cluster(FakeClient(lambda item, _attempt: 2 * item))
    assert dict(cluster.perform(keep, [5, 6, 7])) == {0: 10, 1: 12, 2: 14}
    assert dict(cluster.perform(keep, [])) == {}


def test_a_task_of_lost_workers_is_tried_again_and_then_told() -> None:
    """One image that takes every worker down does not end the others."""
    client = FakeClient(
        lambda item, attempt: killed() if item == 2 or (item == 1 and attempt < 3) else item
    )
    cluster, _ = open_cluster(client)
    found = dict(cluster.perform(keep, [1, 2, 3]))
    assert (found[0], found[2]) == (1, 3)
    assert isinstance(found[1], ComputeError)
    assert found[1].code == "worker_lost"
    assert "more memory" in found[1].message
    assert client.sent.count(2) == 3


def test_a_worker_without_memory_costs_one_image() -> None:
    """A MemoryError of a task is the fault of that image."""
    cluster, _ = open_cluster(FakeClient(lambda item, _: MemoryError() if item == 1 else item))
    found = dict(cluster.perform(keep, [1, 2]))
    assert found[0].code == "out_of_memory"
    assert found[1] == 2


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (InputError("Worker on n1: no.", code="damaged_model"), InputError, "Worker on n1: no."),
        (CancelledError(), SetupError, "connection to the Dask scheduler tcp://x:1 was lost"),
        (ModuleNotFoundError("No module named 'y'"), SetupError, "Install the same"),
        (ValueError("odd\nvalue"), ComputeError, "failed with ValueError: odd value"),
    ],
)
def test_a_fault_of_all_ends_the_work(
    fault: Exception, kind: type[DeepFlashError], words: str
) -> None:
    """One sentence, and what still waits is cancelled."""
    client = FakeClient(lambda item, _: fault if item == 1 else None)
    cluster, _ = open_cluster(client)
    with pytest.raises(kind, match=words):
        list(cluster.perform(keep, [0, 1, 2]))
    assert len(client.cancelled) == 2


def test_leaving_early_cancels_the_rest() -> None:
    """Who stops asking for results wants no more of them."""
    client = FakeClient(lambda item, _: "done" if item == 0 else None)
    cluster, _ = open_cluster(client)
    outcomes = cluster.perform(keep, [0, 1, 2])
    assert next(outcomes) == (0, "done")
    outcomes.close()
    assert len(client.cancelled) == 2


def test_without_workers_it_waits_and_then_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is reported; work that is done is counted; the sentence says how to go on."""
    monkeypatch.setattr("deepflash_service.jobs.dask_executor._POLL_SECONDS", 0.01)
    client = FakeClient(lambda item, _: "done" if item == 0 else None, workers=0)
    cluster, seen = open_cluster(client, patience=0.05)
    outcomes = cluster.perform(keep, [0, 1])
    assert next(outcomes) == (0, "done")
    with pytest.raises(SetupError, match=r"no worker for 0\.05 seconds") as caught:
        next(outcomes)
    assert caught.value.code == "no_workers"
    assert caught.value.details == {"done": 1, "items": 2}
    assert seen[0] == Progress("Waiting for Dask workers.", 1, 2)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Dask the sentence tells what to install, and what needs nothing."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SetupError) as caught, connect_cluster("tcp://127.0.0.1:1"):
        pass
    assert caught.value.code == "missing_extra"
    assert 'pip install "deepflash-service[cluster]"' in caught.value.message


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "missing port"),
        ("foo://x:1", "unknown address scheme 'foo'"),
        ("none.json", "No such file"),
        ("tls://127.0.0.1:1", "name the certificates"),
    ],
)
def test_wrong_addresses_are_told(address: str, words: str) -> None:
    """Addresses that cannot be right are refused at once."""
    with pytest.raises(SetupError, match=words) as caught, connect_cluster(address):
        pass
    assert caught.value.code == "scheduler_unreachable"


def test_a_scheduler_file_gives_the_address(tmp_path: Path) -> None:
    """A path that ends with .json is read as a scheduler file."""
    (tmp_path / "s.json").write_text(json.dumps({"address": "foo://inside:1"}))
    with (
        pytest.raises(SetupError, match="unknown address scheme 'foo'"),
        connect_cluster(str(tmp_path / "s.json")),
    ):
        pass


def test_tasks_of_another_version_are_refused() -> None:
    """Two versions could disagree about results."""
    assert run_task(4, keep, __version__) == 4
    with pytest.raises(SetupError, match=r"version 99\.0 sent the task") as caught:
        run_task(4, keep, "99.0")
    assert caught.value.code == "version_mismatch"


def test_faults_name_the_computer() -> None:
    """A fault of one worker can be mended only where it is."""

    def fail(_item: Any, _is_cancelled: IsCancelled) -> Any:
        raise InputError("The model is damaged.", code="damaged_model")

    with pytest.raises(InputError, match=r"^") as caught:
        run_task(1, fail, __version__)
    assert caught.value.message.startswith("Worker on ")
    assert caught.value.message.endswith(": The model is damaged.")


def test_one_task_at_a_time_runs_in_a_process() -> None:
    """However many threads a worker has, the device holds one prediction."""
    active: list[int] = []
    most: queue.SimpleQueue[int] = queue.SimpleQueue()
    never = threading.Event()

    def perform(item: Any, _is_cancelled: IsCancelled) -> Any:
        active.append(item)
        most.put(len(active))
        never.wait(0.02)
        active.remove(item)

    threads = [
        threading.Thread(
            target=run_task,
            args=(number, perform, __version__),
        )
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {most.get() for _ in threads} == {1}
