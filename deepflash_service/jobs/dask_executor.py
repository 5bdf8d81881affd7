"""Run independent tasks on a Dask cluster and survive the loss of its workers."""

from __future__ import annotations

import asyncio
import json
import queue
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from deepflash_service import __version__
from deepflash_service.errors import ComputeError, DeepFlashError, SetupError
from deepflash_service.jobs.dask_tasks import Perform, SealedTask
from deepflash_service.records import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from deepflash_service.records import Report

CONNECT_SECONDS = 8.0
PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 1.0
_ATTEMPTS = 3
_BATCH = 1000
_CLOSE_SECONDS = 5.0


class DaskCluster:
    """A connection to a Dask scheduler; made by :func:`connect_cluster`.

    Parameters
    ----------
    client : distributed.Client
        Connected.
    address : str
        Of the scheduler, for messages.
    patience : float
        Seconds to wait for workers when there is none.
    report : callable
        Told when the work waits.
    """

    def __init__(self, client: Any, address: str, *, patience: float, report: Report) -> None:
        self._client = client
        self._address = address
        self._patience = patience
        self._report = report

    def perform(
        self, perform: Perform, items: Sequence[Any]
    ) -> Generator[tuple[int, Any], None, None]:
        """Run ``perform(item, is_cancelled)`` for each item on the workers.

        Tasks of a worker that is lost run again on another one, so ``perform`` must leave the
        same files when it runs twice. When the iteration is left early, the rest is cancelled.

        Parameters
        ----------
        perform : callable
            Must be importable on the workers; what it raises ends the work.
        items : sequence
            What to do.

        Yields
        ------
        tuple of int and object
            Position of the item and its result, in the order in which they come. An item that
            took its workers down again and again yields a ``ComputeError``.

        Raises
        ------
        SetupError
            Codes ``no_workers``, ``scheduler_lost``, ``version_mismatch``.
        DeepFlashError
            What a task raised.
        """
        batch = _Batch(self._client, perform, items)
        try:
            batch.submit(range(len(items)))
            while batch.waiting:
                future = self._await_next(batch)
                position = batch.waiting.pop(future.key)
                outcome = self._collect(future)
                future.release()
                if isinstance(outcome, _TaskLostError) and batch.may_try_again(position):
                    batch.submit([position])
                else:
                    yield position, outcome
        finally:
            batch.cancel()

    def _await_next(self, batch: _Batch) -> Any:
        deadline = time.monotonic() + self._patience
        while True:
            with suppress(queue.Empty):
                return batch.finished.get(timeout=_POLL_SECONDS)
            if self._count_workers() > 0:
                deadline = time.monotonic() + self._patience
                continue
            done = len(batch.items) - len(batch.waiting)
            if time.monotonic() > deadline:
                raise SetupError(
                    f"The Dask scheduler {self._address} has had no worker for "
                    f"{self._patience:g} seconds. Start workers (`dask worker {self._address}`), "
                    "then give the same command again: images that are done are kept.",
                    code="no_workers",
                    details={"done": done, "items": len(batch.items)},
                )
            self._report(Progress("Waiting for Dask workers.", done, len(batch.items)))

    def _count_workers(self) -> int:
        try:
            return len(self._client.nthreads())
        except Exception as error:
            raise self._tell_loss() from error

    def _tell_loss(self) -> SetupError:
        return SetupError(
            f"The connection to the Dask scheduler {self._address} was lost. Start it again, then "
            "give the same command again: images that are done are kept.",
            code="scheduler_lost",
        )

    def _collect(self, future: Any) -> Any:
        from concurrent.futures import CancelledError

        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except DeepFlashError:
            raise
        except CancelledError as error:
            raise self._tell_loss() from error
        except KilledWorker:
            return _TaskLostError(
                "The workers that tried this image died, one after the other; perhaps their "
                "memory is too small for it. Give the workers more memory.",
                code="worker_lost",
            )
        except MemoryError:
            return _TaskLostError(
                "The memory of the worker did not suffice. Give the workers more memory.",
                code="out_of_memory",
            )
        except Exception as error:
            raise _explain_task(error) from error


class _TaskLostError(ComputeError):
    """One item could not be done; the others can."""


class _Batch:
    """The tasks of one call: which are out, which came back."""

    def __init__(self, client: Any, perform: Perform, items: Sequence[Any]) -> None:
        self.items = items
        self.waiting: dict[str, int] = {}
        self.finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._client = client
        self._perform = perform
        self._name = f"deepflash-{uuid4().hex[:12]}"
        self._attempts: dict[int, int] = {}
        self._futures: dict[str, Any] = {}

    def submit(self, positions: Sequence[int]) -> None:
        keys = []
        for position in positions:
            attempt = self._attempts[position] = self._attempts.get(position, 0) + 1
            keys.append(f"{self._name}-{position}-{attempt}")
        self.waiting.update(zip(keys, positions, strict=True))
        pickling: Any = import_module("distributed.protocol.pickle")
        tasks = [SealedTask(self.items[position], self._perform) for position in positions]
        sealed = [pickling.dumps(task) for task in tasks]
        futures = self._client.map(pickling.loads, sealed, key=keys, pure=False, batch_size=_BATCH)
        for future in futures:
            self._futures[future.key] = future
            future.add_done_callback(self.finished.put)

    def may_try_again(self, position: int) -> bool:
        return self._attempts[position] < _ATTEMPTS

    def cancel(self) -> None:
        rest = [self._futures[key] for key in self.waiting if key in self._futures]
        if rest:
            with suppress(Exception):
                self._client.cancel(rest, force=True)


def _explain_task(error: Exception) -> DeepFlashError:
    text = " ".join(str(error).split())
    if isinstance(error, ImportError | AttributeError):
        return SetupError(
            f"A Dask worker cannot run the task ({text}). Install the same deepflash-service "
            f"({__version__}) there, in the Python that runs the worker.",
            code="version_mismatch",
        )
    return ComputeError(
        f"A Dask worker failed with {type(error).__name__}: {text}. Look into the log of the "
        "worker, or try the image without --scheduler.",
        code="worker_fault",
    )


@contextmanager
def connect_cluster(
    address: str, *, patience: float = PATIENCE_SECONDS, report: Report | None = None
) -> Iterator[DaskCluster]:
    """Connect to a Dask scheduler while the block runs.

    Parameters
    ----------
    address : str
        ``tcp://HOST:PORT``, ``tls://HOST:PORT`` (certificates from Dask's own configuration), or
        the path of a scheduler file (``.json``).
    patience : float, optional
        Seconds to wait for workers when there is none.
    report : callable, optional
        Told when the work waits for workers.

    Raises
    ------
    SetupError
        Codes ``missing_extra`` and ``scheduler_unreachable``.
    """
    client = _open_client(address)
    try:
        yield DaskCluster(client, address, patience=patience, report=report or _ignore)
    finally:
        with suppress(Exception):
            client.close(timeout=_CLOSE_SECONDS)


def _open_client(address: str) -> Any:
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise SetupError(
            "Dask is not installed here, so --scheduler cannot be used. Install it with "
            '`pip install "deepflash-service[cluster]"`, or use --shard I/N, which needs nothing.',
            code="missing_extra",
        ) from error
    is_file = address.endswith(".json")
    try:
        # Dask itself would wait for ever for a scheduler file that is not there
        place = json.loads(Path(address).read_text("utf-8"))["address"] if is_file else address
        asyncio.run(asyncio.wait_for(_greet(distributed, place), CONNECT_SECONDS))
        return distributed.Client(
            place, timeout=CONNECT_SECONDS, set_as_default=False, name="deepflash"
        )
    except Exception as error:
        reason = "no answer" if isinstance(error, TimeoutError) else " ".join(str(error).split())
        raise SetupError(
            f"The Dask scheduler {address} cannot be reached ({reason}). Check that it runs, and "
            "the address, as in tcp://HOST:8786; for tls://HOST:8786, name the certificates in "
            "Dask's configuration.",
            code="scheduler_unreachable",
        ) from error


async def _greet(distributed: Any, address: str) -> None:
    """Raise unless a scheduler answers; a client that fails would linger and complain."""
    security = distributed.Security()
    arguments = security.get_connection_args("client")
    try:
        async with distributed.rpc(
            address, timeout=CONNECT_SECONDS, connection_args=arguments
        ) as scheduler:
            facts = await scheduler.identity()
    except (MemoryError, EOFError, KeyError) as error:
        raise ValueError("what answers there is no Dask scheduler") from error
    if facts.get("type") != "Scheduler":
        raise ValueError(f"what answers there is a Dask {facts.get('type', 'stranger')}")


def _ignore(_progress: Progress) -> None:
    return
