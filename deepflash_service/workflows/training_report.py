"""What a training tells on its way: the figures of its events, and a preview picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepflash_service.core.preview import draw_preview
from deepflash_service.records import Progress
from deepflash_service.store.image_writing import write_png

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.network.devices import Device
    from deepflash_service.network.training import TrainingState
    from deepflash_service.records import LabelImage
    from deepflash_service.workflows.hooks import Hooks

PREVIEW = "preview.png"


class MemberReport:
    """Tells of one member in the figures of the whole training.

    Parameters
    ----------
    hooks : Hooks
        Of the whole training.
    number, members : int
        0-based number of the member, and how many there are.
    results : Path
        Folder that receives the preview.
    title : str, optional
        What tells this member from others of the same job.
    """

    def __init__(
        self, hooks: Hooks, number: int, *, members: int, results: Path, title: str = ""
    ) -> None:
        self._number = number
        self._members = members
        self._results = results
        self._has_preview = False
        self.prefix = f"member {number + 1} of {members}{title}, " if members > 1 else ""
        self._report = hooks.for_step(number, members, prefix=self.prefix).report

    def tell_start(self, device: Device, *, epochs: int, state: TrainingState | None) -> None:
        """Name the device, and where an interrupted training goes on."""
        message, current, step = f"training on {device.name} in {device.precision}", 0, 0
        if state is not None:
            step, epoch = int(state.facts["step"]), int(state.facts["epoch"])
            current = len(state.facts["history"])
            message += f", goes on in epoch {epoch} after step {step}"
        facts = {"epoch": float(current), "epochs": float(epochs), "step": float(step)}
        self._report(Progress(message, current, epochs, self._add_facts(facts)))

    def __call__(self, progress: Progress) -> None:
        """Pass on what the network tells of the member."""
        facts = dict(progress.metrics)
        later = self._members - self._number - 1
        facts["seconds_left"] += later * facts.pop("seconds_member")
        if self._has_preview:
            facts["preview_epoch"] = facts["epoch"]
            self._has_preview = False
        self._report(
            Progress(progress.message, progress.current, progress.maximum, self._add_facts(facts))
        )

    def draw(self, image: Any, prediction: LabelImage, truth: LabelImage) -> None:
        """Write the preview of one held-out image.

        Parameters
        ----------
        image : ndarray of shape (M, N) or (M, N, C)
            Raw values.
        prediction, truth : LabelImage of shape (M, N)
        """
        write_png(self._results / PREVIEW, draw_preview(image, prediction, truth))
        self._has_preview = True

    def _add_facts(self, facts: dict[str, float]) -> dict[str, float]:
        from deepflash_service.network.devices import measure_memory

        return facts | {
            "member": float(self._number + 1),
            "members": float(self._members),
            "memory_bytes": float(measure_memory()),
        }
