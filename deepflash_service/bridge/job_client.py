"""Jobs of the service: watching, waiting, results, stopping."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from deepflash_service.bridge.jobs import Event, Job
from deepflash_service.bridge.transport import quote_path
from deepflash_service.errors import ServiceUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepflash_service.bridge.transport import Transport
    from deepflash_service.records import Report

_SILENCE_SECONDS: Final = 30.0
_PASSING: Final = frozenset({"service_unreachable", "service_silent", "http_502", "http_504"})


class JobClient:
    """The part of :class:`~deepflash_service.bridge.service.Service` about jobs.

    A job is given as :class:`Job` or as its id.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def job(self, job: Job | str) -> Job:
        """Return the present state of a job."""
        return Job.from_json(self._transport.get_json("jobs", _job_id(job)))

    def jobs(self, kind: str | None = None) -> list[Job]:
        """Return the jobs of the service, newest first.

        Parameters
        ----------
        kind : {"training", "segmentation", "evaluation"}, optional
            Only these.
        """
        found = [Job.from_json(body) for body in self._transport.get_json("jobs")["jobs"]]
        return [job for job in found if kind in {None, job.kind}]

    def events(self, job: Job | str, *, after: int = 0, poll: float = 0.5) -> Iterator[Event]:
        """Yield the events of a job as they come, until it has ended.

        Parameters
        ----------
        job : Job or str
            The job.
        after : int
            Sequence number after which to begin (0: from the start).
        poll : float
            Seconds between two questions.
        """
        silent_since = time.monotonic()
        while True:
            try:
                body = self._transport.get_json(
                    "jobs", _job_id(job), "events", params={"after": after}
                )
                silent_since = time.monotonic()
            except ServiceUnreachableError as error:
                _bear_silence(_job_id(job), error, since=silent_since)
                time.sleep(poll)
                continue
            yield from (Event.from_json(event) for event in body["events"])
            after = int(body["next"])
            has_ended = Job(_job_id(job), "", str(body["state"])).has_ended
            if has_ended and not body["events"]:
                return
            if not has_ended:
                time.sleep(poll)

    def wait(self, job: Job | str, *, report: Report | None = None, poll: float = 0.25) -> Job:
        """Wait until a job has ended and return it.

        Parameters
        ----------
        job : Job or str
            The job.
        report : callable, optional
            Called with the progress of each event.
        poll : float
            Seconds between two questions.

        Raises
        ------
        JobCancelled
            The job was cancelled.
        DeepFlashError
            The class that belongs to the failure of the job; ``interrupted`` when its
            process died.
        ServiceUnreachableError
            Code ``service_silent`` after 30 s without an answer; the job itself goes on.
        """
        if not (isinstance(job, Job) and job.has_ended):
            for event in self.events(job, poll=poll):
                if report is not None:
                    report(event.progress)
            job = self.job(job)
        job.raise_failure()
        return job

    def result(self, job: Job | str, name: str) -> bytes:
        """Return one result file of a job, named as in ``job.results``.

        For a job of one image the folder may be left out (``RoiSet.zip``).
        """
        path = quote_path("jobs", _job_id(job), "results", *name.split("/"))
        return self._transport.request("GET", path).content

    def stop(self, job: Job | str) -> Job:
        """Ask a job to end early and keep its best result."""
        return Job.from_json(self._transport.post_json("jobs", _job_id(job), "stop"))

    def cancel(self, job: Job | str) -> Job:
        """Cancel a job; its results are discarded."""
        answer = self._transport.request("DELETE", quote_path("jobs", _job_id(job)))
        return Job.from_json(answer.json())

    def resume(self, job: Job | str) -> Job:
        """Continue an interrupted, failed or stopped training."""
        return Job.from_json(self._transport.post_json("jobs", _job_id(job), "resume"))


def _job_id(job: Job | str) -> str:
    return job.id if isinstance(job, Job) else job


def _bear_silence(job_id: str, error: ServiceUnreachableError, *, since: float) -> None:
    """Let a short silence pass; raise when it is long or no silence at all."""
    if error.code not in _PASSING:
        raise error
    if time.monotonic() - since > _SILENCE_SECONDS:
        raise ServiceUnreachableError(
            f"The service stopped answering after {_SILENCE_SECONDS:.0f} s. Job {job_id} goes "
            "on; connect again and ask for it with job(id).",
            code="service_silent",
            details={"job": job_id},
        ) from error
