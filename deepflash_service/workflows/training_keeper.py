"""What a training keeps of itself in its job folder: when, and under which conditions it counts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from deepflash_service.errors import InputError
from deepflash_service.store.checkpoints import (
    Checkpoint,
    clear_checkpoints,
    forget_member,
    name_weights,
    read_checkpoint,
    read_finished,
    read_seconds,
    remove_partial,
    write_checkpoint,
    write_finished,
)
from deepflash_service.store.disk import check_space
from deepflash_service.workflows.software import list_software

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepflash_service.network.training import TrainedMember, TrainingState
    from deepflash_service.store.runs import Run


class Keeper:
    """The checkpoints of one training.

    Parameters
    ----------
    run : Run
        Job folder.
    seconds : float
        At most one checkpoint is written in this time.
    fingerprint : str
        Of the data; a checkpoint counts only for the same data.
    """

    def __init__(self, run: Run, *, seconds: float, fingerprint: str) -> None:
        self.run = run
        self.seconds = seconds
        self.fingerprint = fingerprint
        self._earlier = read_seconds(run)
        self._start = time.monotonic()
        remove_partial(run)

    def spent_seconds(self) -> float:
        """Return how long the training has worked, in its earlier attempts too."""
        return self._earlier + time.monotonic() - self._start

    def for_member(self, number: int, *, settings: str) -> MemberKeeper:
        """Return the keeper of one member.

        Parameters
        ----------
        number : int
            1-based.
        settings : str
            Hash of all that, beside the data, decides what it learns.
        """
        return MemberKeeper(self, number, settings=settings)


class MemberKeeper:
    """The checkpoints of one member; see :meth:`Keeper.for_member`."""

    def __init__(self, keeper: Keeper, number: int, *, settings: str) -> None:
        self._keeper = keeper
        self._run = keeper.run
        self._number = number
        self._identity = {
            "member": number,
            "data": keeper.fingerprint,
            "settings": settings,
        }
        self._last = time.monotonic()
        self._step = -1
        self._best = (0, "")

    def begin(self) -> None:
        """Count the time to the first checkpoint from now on."""
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Say whether the last checkpoint is old enough for another one."""
        return time.monotonic() - self._last >= self._keeper.seconds

    def save(self, state: TrainingState) -> None:
        """Write a checkpoint, unless this very step was kept already.

        Raises
        ------
        SetupError
            Codes ``disk_full`` and ``disk_fault``; the checkpoints before stay as they are.
        """
        step = int(state.facts["step"])
        if step == self._step:
            return
        best = state.facts["best"]
        if best is not None and best["epoch"] != self._best[0]:
            unique = uuid4().hex[:6]
            name = f"member-{self._number}-best-{best['epoch']:06d}-{unique}"
            self._best = (best["epoch"], name)
        facts = {
            **self._identity,
            "job_seconds": self._keeper.spent_seconds(),
            "software": list_software(),
            "best": self._best[1],
            "state": state.facts,
            "step": step,
        }
        checkpoint = Checkpoint(facts, state.arrays, state.best)
        write_checkpoint(self._run, self._number, checkpoint=checkpoint)
        self._step = step
        self._last = time.monotonic()

    def read(self, warn: Callable[[str], None]) -> TrainingState | None:
        """Return the state in which the member goes on, or None when it begins.

        Parameters
        ----------
        warn : callable
            Told when something that was kept cannot be used.
        """
        from deepflash_service.network.training import TrainingState

        found, damaged = read_checkpoint(self._run, self._number)
        goes_on = "begins again" if found is None else "goes on from the one before"
        for name in damaged:
            warn(f"The checkpoint {name} is damaged, so member {self._number} {goes_on}.")
        if found is None:
            return None
        if any(found.facts.get(key) != value for key, value in self._identity.items()):
            self.discard(warn)
            return None
        state = found.facts["state"]
        self._step = int(state["step"])
        if state["best"] is not None:
            self._best = (state["best"]["epoch"], str(found.facts["best"]))
        return TrainingState(state, dict(found.arrays), dict(found.best))

    def discard(self, warn: Callable[[str], None]) -> None:
        """Remove what is kept of a member that has to begin again, and say so."""
        warn(
            f"What was kept of member {self._number} is damaged, or was made with other settings "
            "or another version of this program, so it begins again."
        )
        forget_member(self._run, self._number)
        self._step, self._best = -1, (0, "")

    def finish(self, member: TrainedMember, *, device: str) -> None:
        """Keep the finished member, and remove its checkpoints.

        Raises
        ------
        SetupError
            Codes ``disk_full`` and ``disk_fault``; the checkpoints stay as they are.
        """
        from deepflash_service.network.weights import measure_weights, write_weights

        self._run.checkpoints.mkdir(exist_ok=True)
        remedy = f"Free some space, then resume job {self._run.id}."
        check_space(self._run.checkpoints, measure_weights(member.network), remedy=remedy)
        write_weights(member.network, name_weights(self._run, self._number))
        facts = {
            **self._identity,
            "step": member.steps,
            "history": list(member.history),
            "ending": member.ending,
            "device": device,
            "job_seconds": self._keeper.spent_seconds(),
        }
        write_finished(self._run, self._number, facts=facts)

    def restore(
        self, network: Callable[[], Any], warn: Callable[[str], None]
    ) -> tuple[Any, dict[str, Any]] | None:
        """Return the finished member with its facts, or None when it is not finished.

        Parameters
        ----------
        network : callable
            Builds the network into which the weights are read.
        warn : callable
            Told when a finished member cannot be used.
        """
        from deepflash_service.network.weights import read_weights

        try:
            facts = read_finished(self._run, self._number)
        except InputError:
            facts = {}
        if facts is None:
            return None
        if any(facts.get(key) != one for key, one in self._identity.items()):
            self.discard(warn)
            return None
        clear_checkpoints(self._run, self._number)
        built = network()
        read_weights(built, name_weights(self._run, self._number))
        return built, facts
