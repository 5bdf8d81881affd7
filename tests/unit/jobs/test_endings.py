"""The last words of a job: what happened, what is kept, what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deepflash_service.jobs.processes import identify_process
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.events import Event
from tests.unit.jobs.conftest import Office


@pytest.mark.parametrize(
    ("members", "word"),
    [(1, "keeps the 1 member that was finished"), (3, "keeps the 3 members that were finished")],
)
def test_an_interrupted_training_tells_what_is_kept(
    office: Office, members: int, word: str
) -> None:
    """Only finished members are kept; half a member and weights without facts are not."""
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    run = office.await_worker(0).begin()
    for number in range(1, members + 1):
        (run.checkpoints / f"member-{number}.weights.h5").write_bytes(b"x")
        (run.checkpoints / f"member-{number}.weights.json").write_text("{}")
    (run.checkpoints / "member-9.weights.h5").write_bytes(b"half")
    office.workers[0].die(1)
    ended = supervisor.wait(job, 10)
    assert word in ended["message"]
    assert "resume" in ended["message"].lower()


@pytest.mark.parametrize("is_resumed", [False, True])
def test_cancelling_what_had_begun_says_so(office: Office, *, is_resumed: bool) -> None:
    """An interrupted training was begun; cancelled, its results are gone."""
    supervisor = office.open()
    blocker = office.submit(supervisor, "training")
    worker = office.await_worker(0)
    run = worker.begin()
    (run.results / "half.json").write_text("{}")
    (run.checkpoints / "member-1.weights.h5").write_bytes(b"x")
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
    run = runs.create_run(office.home, "training", options={})
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
