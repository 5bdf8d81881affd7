"""When jobs take turns on the device."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from deepflash_service.records import JobKind
from deepflash_service.store import runs
from deepflash_service.store.locks import probe_lock
from deepflash_service.workflows import leases
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.leases import lease_device


@pytest.mark.parametrize(
    ("sharing", "is_gpu", "is_held"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("always", False, True),
        ("never", True, False),
    ],
)
@pytest.mark.parametrize("kind", ["training", "segmentation"])
def test_a_lease_is_taken_where_it_is_wanted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    kind: JobKind,
    sharing: Literal["auto", "always", "never"],
    is_gpu: bool,
    is_held: bool,
) -> None:
    """Only on a GPU by itself; from the first use of the device to the end of the job."""
    monkeypatch.setattr(leases, "_is_gpu", lambda: is_gpu)
    run = runs.create_run(tmp_path, kind, options={})
    path = tmp_path / "devices" / "device.lock"
    with lease_device(tmp_path, run, sharing=sharing, hooks=Hooks()) as share:
        assert probe_lock(path) is False
        share()
        share()
        assert probe_lock(path) is is_held
        if is_held:
            holder = (tmp_path / "devices" / "holder.txt").read_text(encoding="utf-8")
            assert holder == f"{kind} {run.id}"
    assert probe_lock(path) is False
