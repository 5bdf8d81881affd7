"""Jobs and events as the service tells them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepflash_service.bridge.transport import error_of_code
from deepflash_service.errors import ComputeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepflash_service.records import Progress


@dataclass(frozen=True, slots=True)
class Job:
    """State of one job; keys that this version does not know are left out."""

    id: str
    kind: str
    state: str
    message: str = ""
    current: int = 0
    maximum: int = 0
    model: str | None = None
    results: tuple[str, ...] = ()
    error: dict[str, Any] | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Job:
        """Build the job from the JSON object of the service."""
        return cls(
            id=str(body["id"]),
            kind=str(body["kind"]),
            state=str(body["state"]),
            message=str(body.get("message") or ""),
            current=int(body.get("current") or 0),
            maximum=int(body.get("maximum") or 0),
            model=body.get("model"),
            results=tuple(body.get("results") or ()),
            error=body.get("error"),
        )

    @property
    def has_ended(self) -> bool:
        """Whether the job does not go on by itself."""
        from deepflash_service.records import ENDED_STATES

        return self.state in ENDED_STATES

    def raise_failure(self) -> None:
        """Raise what ended the job, if it did not end well.

        Raises
        ------
        JobCancelled
            The job was cancelled.
        DeepFlashError
            The class that belongs to the code of the failure; code ``interrupted`` when the
            worker died.
        """
        if self.state == "cancelled":
            raise error_of_code("cancelled", f"Job {self.id} was cancelled.")
        if self.state == "interrupted":
            cause = self.error or {}
            message = cause.get("message") or f"Job {self.id} was interrupted, its process ended."
            raise ComputeError(
                f"{message} Resume it with resume(job), or start it again.",
                code="interrupted",
                details={"cause": cause.get("code"), **(cause.get("details") or {})},
            )
        if self.state == "failed":
            fault = self.error or {}
            raise error_of_code(
                str(fault.get("code") or "compute_failed"),
                str(fault.get("message") or self.message or f"Job {self.id} failed."),
                fault.get("details"),
            )


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a job's history."""

    seq: int
    time: str
    state: str
    message: str = ""
    current: int = 0
    maximum: int = 0
    metrics: dict[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Event:
        """Build the event from the JSON object of the service."""
        return cls(
            seq=int(body["seq"]),
            time=str(body.get("time") or ""),
            state=str(body.get("state") or ""),
            message=str(body.get("message") or ""),
            current=int(body.get("current") or 0),
            maximum=int(body.get("maximum") or 0),
            metrics=dict(body.get("metrics") or {}),
        )

    @property
    def progress(self) -> Progress:
        """The event as the progress record that ``report`` callables take."""
        from deepflash_service.records import Progress

        return Progress(self.message, self.current, self.maximum, self.metrics)
