"""The service as a Python object: one method for each thing that it does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from deepflash_service.bridge.dataset_client import DatasetClient
from deepflash_service.bridge.job_client import JobClient
from deepflash_service.bridge.jobs import Job
from deepflash_service.bridge.launch import stop_service
from deepflash_service.bridge.model_client import ModelClient
from deepflash_service.bridge.pixels import read_picture
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from deepflash_service.bridge.pixels import Picture
    from deepflash_service.bridge.transport import Transport
    from deepflash_service.records import Record


class Service(DatasetClient, JobClient, ModelClient):
    """A connected DeepFLaSH service; made by :func:`deepflash_service.bridge.connect`.

    Pictures are given as bytes of a file (TIFF, PNG), as a path, or as an array of shape
    (rows, columns). A job is given as :class:`Job` or as its id. Every method raises
    ``ServiceUnreachableError`` when nothing answers and the class that belongs to the
    answer otherwise. As a context manager it closes the connection; the service goes on.
    """

    def __init__(self, transport: Transport, *, started_pid: int | None = None) -> None:
        super().__init__(transport)
        self._started_pid = started_pid

    @property
    def url(self) -> str:
        """Address of the service, without path."""
        return self._transport.url

    @property
    def is_started_here(self) -> bool:
        """Whether ``connect`` had to start the service."""
        return self._started_pid is not None

    def info(self) -> dict[str, Any]:
        """Return version, device, limits and load (``GET /info``)."""
        return self._transport.get_json("info")

    def train(self, dataset: str, model: str, **options: Any) -> Job:
        """Start a training; `options` are the fields of ``TrainOptions``."""
        from deepflash_service.records import TrainOptions

        record = TrainOptions.from_json({"dataset": dataset, "model": model, **options})
        body = self._transport.post_json("trainings", json=record.model_dump(mode="json"))
        return Job.from_json(body)

    def segment(
        self, images: Mapping[str, Picture], model: str, *, wait: float = 0.0, **options: Any
    ) -> Job:
        """Start a segmentation of named images.

        Parameters
        ----------
        images : mapping of str to bytes, Path or array
            Pictures by file name.
        model : str
            ``NAME`` or ``NAME@VERSION``.
        wait : float
            Seconds the service may hold its answer back to return a finished job.
        **options
            Further fields of ``SegmentOptions``: threshold, min_roi_size, channel, planes,
            pixel_size, separation; or ``dataset``, with no images.
        """
        from deepflash_service.records import SegmentOptions

        record = SegmentOptions.from_json({"model": model, **options})
        parts = [("image", name, picture) for name, picture in images.items()]
        return self._post_job("segmentations", record, parts, wait=wait)

    def evaluate(
        self,
        predictions: Mapping[str, Picture],
        truths: Mapping[str, Picture],
        **options: Any,
    ) -> dict[str, Any]:
        """Compare predictions with a truth; waits for the result.

        Parameters
        ----------
        predictions, truths : mapping of str to bytes, Path or array
            Masks or label images; their file names pair them.
        **options
            Fields of ``EvaluateOptions``: threshold, min_roi_size, iou; or ``dataset`` and
            ``model``, with no files, and then also pixel_size and separation.

        Returns
        -------
        dict
            The JSON of ``deepflash evaluate``: images, mean, pooled.
        """
        from deepflash_service.records import EvaluateOptions

        record = EvaluateOptions.from_json(options)
        parts = [("prediction", name, picture) for name, picture in predictions.items()]
        parts += [("truth", name, picture) for name, picture in truths.items()]
        job = self.wait(self._post_job("evaluations", record, parts, wait=20.0))
        scores: dict[str, Any] = json.loads(self.result(job, "evaluation.json"))
        return scores

    def shutdown_if_started(self) -> bool:
        """End the service if ``connect`` started it; returns whether it has ended."""
        if self._started_pid is None:
            return False
        has_ended = stop_service(self._started_pid)
        if has_ended:
            self._started_pid = None
        return has_ended

    def close(self) -> None:
        """Close the connection; the service and its jobs go on."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _post_job(
        self,
        kind: str,
        options: Record,
        parts: Iterable[tuple[str, str, Picture]],
        *,
        wait: float,
    ) -> Job:
        files: list[tuple[str, tuple[str | None, bytes, str]]] = [
            ("options", (None, options.to_json().encode(), "application/json"))
        ]
        for field, name, picture in parts:
            files.append((field, (name, read_picture(picture), "application/octet-stream")))
        if len(files) == 1 and getattr(options, "dataset", None) is None:
            raise InputError(
                "There is nothing to send: name at least one image.", code="missing_part"
            )
        parameters = {"wait": wait} if wait else {}
        body = self._transport.post_json(kind, params=parameters, files=files, patience=wait)
        return Job.from_json(body)
