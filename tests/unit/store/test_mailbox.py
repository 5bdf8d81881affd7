"""The folder through which a worker gets its jobs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deepflash_service.errors import InputError
from deepflash_service.store import mailbox as boxes


def test_jobs_are_posted_in_order_and_cleared(tmp_path: Path) -> None:
    """The oldest job comes first; a cleared job is gone, also when cleared twice."""
    box = boxes.create_mailbox(tmp_path, "warm-1")
    for seconds, job in enumerate(("b", "a", "c")):
        boxes.post_job(box, job)
        os.utime(box.inbox / job, (seconds, seconds))
    assert boxes.list_posted(box) == ["b", "a", "c"]
    boxes.clear_job(box, "b")
    boxes.clear_job(box, "b")
    assert boxes.list_posted(box) == ["a", "c"]


def test_a_removed_mailbox_tells_its_worker_to_quit(tmp_path: Path) -> None:
    """A worker whose folder is gone has nothing to wait for."""
    box = boxes.create_mailbox(tmp_path, "warm-1")
    assert not boxes.is_quit_requested(box)
    boxes.request_quit(box)
    assert boxes.is_quit_requested(box)
    boxes.remove_mailbox(box)
    assert boxes.is_quit_requested(box)
    assert boxes.list_posted(box) == []
    boxes.request_quit(box)


def test_what_a_worker_tells_is_read_back(tmp_path: Path) -> None:
    """Facts survive; a damaged or missing file counts as nothing told."""
    box = boxes.create_mailbox(tmp_path, "training-1")
    assert boxes.read_worker(box) == {}
    boxes.write_worker(box, facts={"pid": 1, "role": "training"})
    assert boxes.read_worker(box)["pid"] == 1
    (box.folder / "worker.json").write_text("{")
    assert boxes.read_worker(box) == {}
    assert boxes.list_mailboxes(tmp_path) == [box]


def test_names_cannot_leave_the_folder(tmp_path: Path) -> None:
    """Ids are checked wherever they become part of a path."""
    box = boxes.create_mailbox(tmp_path, "warm-1")
    for wrong in ("../x", "", "A", "a/b"):
        with pytest.raises(InputError):
            boxes.post_job(box, wrong)
        with pytest.raises(InputError):
            boxes.open_mailbox(tmp_path, wrong)


def test_the_end_of_the_output_is_kept(tmp_path: Path) -> None:
    """The last bytes of a long log are read, and nothing of a missing one."""
    box = boxes.create_mailbox(tmp_path, "warm-1")
    assert boxes.read_log_tail(box) == b""
    box.log.write_bytes(b"a" * 100 + b"end")
    assert boxes.read_log_tail(box, most_bytes=5) == b"aaend"
