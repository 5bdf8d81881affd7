"""The last words of a job: what happened, what is kept, what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deepflash_service.jobs import endings
from deepflash_service.jobs.endings import judge_loss
from deepflash_service.jobs.exits import Exit
from deepflash_service.jobs.processes import identify_process
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.events import Event
from tests.unit.jobs.conftest import Office


@pytest.mark.parametrize("is_entrusted", [True, False])
def test_an_interrupted_training_tells_what_is_kept(
    office: Office, progress: dict[str, int], *, is_entrusted: bool
) -> None:
    """The step of the checkpoint is named; only services go on by themselves."""
    run = office.make_run("training")
    if not is_entrusted:
        (run.folder / "service").unlink()
    runs.append_event(run, Event("running", "Started."))
    progress[run.id] = 120
    events = judge_loss(run, Exit(-9))
    assert events[0].state == "interrupted"
    assert events[0].error is not None
    assert events[0].error["message"] == events[0].message
    if is_entrusted:
        assert "goes on by itself" in events[0].message
        assert (events[1].state, events[1].message) == (
            "queued",
            "Goes on by itself from step 120.",
        )
    else:
        assert len(events) == 1
        assert "resume the training. It then goes on from step 120" in events[0].message


@pytest.mark.parametrize("is_resumed", [False, True])
def test_cancelling_what_had_begun_says_so(
    office: Office, progress: dict[str, int], *, is_resumed: bool
) -> None:
    """An interrupted training was begun; cancelled, its results are gone."""
    supervisor = office.open()
    blocker = office.submit(supervisor, "training")
    worker = office.await_worker(0)
    run = worker.begin()
    (run.results / "half.json").write_text("{}")
    (run.checkpoints / "member-1.weights.h5").write_bytes(b"x")
    progress[blocker] = 5
    runs.append_event(run, endings.queued("again", losses=endings.Losses(2, 5)))
    runs.append_event(run, Event("running", "Started."))
    worker.die(-9)
    assert supervisor.wait(blocker, 10)["state"] == "interrupted"
    if is_resumed:
        office.submit(supervisor, "training")
        office.await_worker(1).begin()
        assert supervisor.resume(blocker)["state"] == "queued"
    ended = supervisor.cancel(blocker)
    assert ended["state"] == "cancelled"
    assert "began" not in ended["message"]
    assert ended["message"].startswith("Cancelled")
    assert ended["results"] == []
    assert not list(run.checkpoints.iterdir())


def test_cancelling_what_never_began_says_so(office: Office) -> None:
    """The job behind another one was never started."""
    supervisor = office.open()
    office.submit(supervisor)
    waiting = office.submit(supervisor)
    office.await_worker(0).begin()
    assert supervisor.cancel(waiting)["message"] == "Cancelled before it began."


@pytest.mark.parametrize("is_watched", [True, False])
def test_a_lost_training_tells_whether_the_service_ran(office: Office, *, is_watched: bool) -> None:
    """The end of an adopted worker is seen; only an end between two services is not."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    box = boxes.create_mailbox(office.home, "training-old")
    boxes.write_worker(box, facts={**identify_process(child.pid), "role": "training"})
    run = office.make_run("training")
    runs.append_event(run, endings.queued("again", losses=endings.Losses(2, 0)))
    boxes.post_job(box, run.id)
    runs.append_event(run, Event("running", "Started."))
    if not is_watched:
        child.kill()
        child.communicate()
    supervisor = office.open()
    if is_watched:
        assert supervisor.read(run.id)["state"] == "running"
        child.kill()
        child.communicate()
    ended = supervisor.wait(run.id, 10)
    assert ended["state"] == "interrupted"
    assert ("no service" in ended["message"]) is not is_watched
    assert "not running" not in ended["message"]
