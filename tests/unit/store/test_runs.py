"""Job folders: events, results, markers, and copies to other computers."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deepflash_service.errors import InputError, NotFoundError, SetupError
from deepflash_service.store import runs
from deepflash_service.store.damage import list_damage
from deepflash_service.store.events import Event
from deepflash_service.store.results import find_result, list_results


@pytest.fixture
def run(tmp_path: Path) -> runs.Run:
    """Return a new segmentation job."""
    return runs.create_run(tmp_path, "segmentation", options={"model": "m"})


def test_a_new_job_is_complete(tmp_path: Path, run: runs.Run) -> None:
    """The folder has its description and its first event from the start."""
    job = runs.read_job(run)
    assert job["state"] == "queued"
    assert job["kind"] == "segmentation"
    assert job["model"] == "m"
    assert job["results"] == []
    assert job["error"] is None
    assert job["finished"] is None
    assert runs.open_run(tmp_path, run.id) == run
    assert [one.id for one in runs.list_runs(tmp_path)] == [run.id]


def test_events_are_numbered_lines(run: runs.Run) -> None:
    """A cursor returns only what came after it."""
    runs.append_event(run, Event("running", "epoch 1", 1, 2, {"f1": 0.5, "loss": float("nan")}))
    runs.append_event(run, Event("done", "saved", model="m@3"))
    events = runs.read_events(run, after=1)
    assert [event["seq"] for event in events] == [2, 3]
    assert events[0]["metrics"] == {"f1": 0.5}
    assert set(events[0]) == {"seq", "time", "state", "message", "current", "maximum", "metrics"}
    job = runs.read_job(run)
    assert (job["state"], job["current"], job["maximum"], job["model"]) == ("done", 1, 2, "m@3")
    assert job["finished"] == events[1]["time"]


def test_the_log_tells_people_what_happened(run: runs.Run) -> None:
    """Every event is one readable line of log.txt, a failure with its code."""
    runs.append_event(run, Event("running", "epoch 1\nof 2", 1, 2, {"f1": 0.51234}))
    error = {"code": "rgb_image", "message": "no", "details": {}}
    runs.append_event(run, Event("failed", "This is an RGB image.", error=error))
    lines = run.log.read_text(encoding="utf-8").splitlines()
    assert lines[-2].endswith(" running: epoch 1 of 2, f1 0.5123")
    assert lines[-1].endswith(" failed: This is an RGB image. [rgb_image]")


def test_of_a_long_log_only_the_end_is_read(run: runs.Run) -> None:
    """A worker that printed gigabytes costs the service no memory; half a letter is marked."""
    run.log.write_bytes(b"Anfang\r\n" + "ä".encode() * 1000 + b"Ende\n")
    assert runs.read_log_text(run, most=8) == "\ufffdäEnde\n"
    assert runs.read_log_text(run, most=10**6) == "Anfang\n" + "ä" * 1000 + "Ende\n"
    assert runs.read_log_text(run) == "Anfang\n" + "ä" * 1000 + "Ende\n"


def test_errors_reach_the_job(run: runs.Run) -> None:
    """A failed job tells code, sentence and details."""
    error = {"code": "rgb_image", "message": "This is an RGB image.", "details": {}}
    runs.append_event(run, Event("failed", "This is an RGB image.", error=error))
    assert runs.read_job(run)["error"] == error


def test_a_torn_line_hides_nothing(run: runs.Run) -> None:
    """A writer killed in the middle of a line costs that line only."""
    with (run.folder / "events.jsonl").open("ab") as stream:
        stream.write(b'{"time": "x", "state": "runn')
    assert [event["seq"] for event in runs.read_events(run)] == [1]
    runs.append_event(run, Event("running", "again"))
    assert [event["message"] for event in runs.read_events(run)][-1] == "again"


def test_many_writers_lose_no_line(run: runs.Run) -> None:
    """Lines of several writers never mix."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: runs.append_event(run, Event("running", str(n))), range(200)))
    messages = {event["message"] for event in runs.read_events(run)}
    assert {str(number) for number in range(200)} <= messages


def test_inputs_and_results_stay_inside(run: runs.Run) -> None:
    """Names with folders are refused; results are found by their listed name only."""
    path = runs.add_input(run, "image", name="a b.tif", data=b"x")
    assert runs.list_inputs(run, "image") == [path]
    with pytest.raises(InputError):
        runs.add_input(run, "image", name="../../a.tif", data=b"x")
    (run.results / "a").mkdir()
    (run.results / "a" / "labels.tif").write_bytes(b"1")
    (run.results / ".partial-123.tif").write_bytes(b"1")
    (run.results / "link.csv").symlink_to(run.folder / "job.json")
    assert list_results(run.results) == ["a/labels.tif"]
    assert find_result(run.results, "labels.tif") == find_result(run.results, "a/labels.tif")
    for wrong in ("../job.json", "link.csv", "b/labels.tif", "/etc/passwd", ".partial-123.tif"):
        with pytest.raises(NotFoundError) as caught:
            find_result(run.results, wrong)
        assert caught.value.code == "unknown_result"


def test_names_without_folder_must_be_unique(run: runs.Run) -> None:
    """With two images the folder of a result has to be named."""
    for name in ("a", "b"):
        (run.results / name).mkdir()
        (run.results / name / "labels.tif").write_bytes(b"1")
    with pytest.raises(NotFoundError):
        find_result(run.results, "labels.tif")


def test_requests_are_markers(run: runs.Run) -> None:
    """Stop and cancel are files that any process can set and see."""
    assert not runs.is_stop_requested(run)
    runs.request_stop(run)
    runs.request_cancel(run)
    assert runs.is_stop_requested(run)
    assert runs.is_cancel_requested(run)
    runs.clear_requests(run)
    assert not runs.is_stop_requested(run) | runs.is_cancel_requested(run)


def test_a_copied_folder_works_elsewhere(tmp_path: Path, run: runs.Run) -> None:
    """The folder alone holds all that is known of a job."""
    other = tmp_path / "other"
    shutil.copytree(run.folder, other / "runs" / run.id)
    assert runs.read_job(runs.open_run(other, run.id)) == runs.read_job(run)


@pytest.mark.parametrize("job_id", ["none", "../runs", "", "A"])
def test_unknown_jobs_are_not_found(tmp_path: Path, job_id: str) -> None:
    """An id that names nothing, or something outside, is not found."""
    with pytest.raises(NotFoundError) as caught:
        runs.open_run(tmp_path, job_id)
    assert caught.value.code == "unknown_job"


@pytest.mark.parametrize("way", ["torn", "no object", "no kind", "missing", "folder"])
def test_damaged_folders_do_not_hide_the_others(tmp_path: Path, run: runs.Run, way: str) -> None:
    """A folder without readable description is left out of the list; who asks is told the file."""
    broken = runs.create_run(tmp_path, "training", options={})
    path = broken.folder / "job.json"
    path.unlink()
    if way == "folder":
        path.mkdir()
    elif way != "missing":
        path.write_text({"torn": "{", "no object": "[]", "no kind": "{}"}[way])
    assert [one.id for one in runs.list_runs(tmp_path)] == [run.id]
    with pytest.raises(InputError) as caught:
        runs.open_run(tmp_path, broken.id)
    assert caught.value.code == "damaged_file"
    assert list_damage(tmp_path) == [caught.value.message]
    assert str(path) in caught.value.message


@pytest.mark.parametrize("way", ["missing", "folder", "empty", "garbage"])
def test_lost_events_are_damage(tmp_path: Path, run: runs.Run, way: str) -> None:
    """A job never seems to wait only because nobody knows what became of it."""
    path = run.folder / "events.jsonl"
    path.unlink()
    if way == "folder":
        path.mkdir()
    elif way != "missing":
        path.write_bytes({"empty": b"", "garbage": b"\0" * 99 + b"\n"}[way])
    job = runs.read_job(run)
    assert (job["state"], job["error"]["code"]) == ("failed", "damaged_job")
    assert job["finished"] == run.created
    assert list_damage(tmp_path) == [job["message"]]
    assert str(path) in job["message"]


def test_what_cannot_be_written_is_told(run: runs.Run) -> None:
    """The sentence names the file, whatever the fault of the disk."""
    (run.folder / "events.jsonl").unlink()
    (run.folder / "events.jsonl").mkdir()
    with pytest.raises(SetupError, match=r"events\.jsonl cannot be written") as caught:
        runs.append_event(run, Event("running", "epoch 1"))
    assert caught.value.code == "disk_fault"
    run.folder.rename(run.folder.with_name("gone"))
    with pytest.raises(SetupError, match="cancel cannot be written") as caught:
        runs.request_cancel(run)
    assert caught.value.code == "disk_fault"
