"""Checkpoints: whole or not there, the newest whole one is found, two are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from deepflash_service.errors import InputError
from deepflash_service.store import runs
from deepflash_service.store.checkpoints import (
    Checkpoint,
    clear_checkpoints,
    forget_member,
    name_weights,
    read_checkpoint,
    read_finished,
    read_progress,
    read_seconds,
    write_checkpoint,
    write_finished,
)
from deepflash_service.store.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return an empty training."""
    return runs.create_run(tmp_path, "training", options={})


def make_checkpoint(step: int, *, best: str = "") -> Checkpoint:
    """Return a checkpoint whose arrays tell its step."""
    arrays = {"network_0000": np.full((40, 30), step, np.float32), "steps": np.int64(step)}
    facts = {"step": step, "best": best, "job_seconds": step * 2.0}
    weights = {"best_0000": np.full(50, step, np.float32)} if best else {}
    return Checkpoint(facts, {key: np.asarray(one) for key, one in arrays.items()}, weights)


def write(run: Run, *steps: int, best: str = "") -> None:
    """Write checkpoints of member 1."""
    for step in steps:
        write_checkpoint(run, 1, checkpoint=make_checkpoint(step, best=best))


def find_step(run: Run) -> int:
    """Return the step of the newest whole checkpoint of member 1, 0 without any."""
    found, _ = read_checkpoint(run, 1)
    if found is None:
        return 0
    step = int(found.facts["step"])
    np.testing.assert_array_equal(found.arrays["network_0000"], np.full((40, 30), step))
    if found.facts["best"]:
        assert found.best["best_0000"].shape == (50,)
    return step


kinds = st.sampled_from([np.float32, np.int64, np.uint32, np.float64, np.bool_])
shapes = arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@given(
    arrays=st.dictionaries(
        st.from_regex(r"(network|optimizer|average)_\d{4}", fullmatch=True),
        kinds.flatmap(lambda kind: arrays_of.arrays(kind, shapes)),
        max_size=5,
    ),
    loss=st.floats(allow_nan=False),
    state=st.integers(0, 2**128 - 1),
)
def test_arrays_and_facts_come_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory, *, arrays: Any, loss: float, state: int
) -> None:
    """Every bit of every array, every digit of a loss and of a random state."""
    run = runs.create_run(tmp_path_factory.mktemp("home"), "training", options={})
    facts = {"step": 3, "losses": [loss], "random": {"state": state}}
    write_checkpoint(run, 2, checkpoint=Checkpoint(facts, arrays))
    found, damaged = read_checkpoint(run, 2)
    assert found is not None
    assert damaged == []
    assert found.facts == facts
    assert set(found.arrays) == set(arrays)
    for name, array in arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert found.arrays[name].shape == array.shape
        assert found.arrays[name].tobytes() == array.tobytes()


def test_two_are_kept_with_the_best_weights_they_name(run: Run) -> None:
    """Older ones go, and so do best weights that no kept checkpoint names."""
    write(run, 1, best="member-1-best-1")
    write(run, 2, 3, 4, best="member-1-best-2")
    names = sorted(path.name for path in run.checkpoints.iterdir())
    assert names == ["member-1-best-2", "member-1-step-000003", "member-1-step-000004"]
    found, _ = read_checkpoint(run, 1)
    assert found is not None
    # written once, with the first checkpoint that names it
    np.testing.assert_array_equal(found.best["best_0000"], np.full(50, 2, np.float32))
    clear_checkpoints(run, 1)
    assert list(run.checkpoints.iterdir()) == []


def cut_arrays(folder: Path) -> None:
    """Cut the arrays as a full disk or a crash would."""
    path = folder / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-30])


def flip_arrays(folder: Path) -> None:
    """Change one byte of the arrays."""
    path = folder / "arrays.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def flip_state(folder: Path) -> None:
    """Change one digit of the facts."""
    path = folder / "state.json"
    path.write_text(path.read_text().replace('"step": 9', '"step": 8'))


def empty_state(folder: Path) -> None:
    """Empty the facts."""
    (folder / "state.json").write_text("")


def lose_arrays(folder: Path) -> None:
    """Remove the arrays."""
    (folder / "arrays.npz").unlink()


def lose_best(folder: Path) -> None:
    """Damage the best weights that the checkpoint names."""
    (folder.parent / "member-1-best-9" / "arrays.npz").write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [cut_arrays, flip_arrays, flip_state, empty_state, lose_arrays, lose_best]
)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    run: Run, damage: Callable[[Path], None]
) -> None:
    """It is named, never used; the next checkpoint takes its place and two whole ones remain."""
    write(run, 5)
    write(run, 9, best="member-1-best-9")
    damage(run.checkpoints / "member-1-step-000009")
    found, damaged = read_checkpoint(run, 1)
    assert found is not None
    assert found.facts["step"] == 5
    assert damaged == ["member-1-step-000009"]
    write(run, 7, best="member-1-best-7")
    names = {path.name for path in run.checkpoints.glob("member-1-*")}
    assert names == {"member-1-step-000005", "member-1-step-000007", "member-1-best-7"}
    assert find_step(run) == 7


def test_nothing_whole_means_from_the_start(run: Run) -> None:
    """Both damaged: both are named."""
    write(run, 5, 9)
    for folder in run.checkpoints.glob("member-1-step-*/"):
        cut_arrays(folder)
    assert read_checkpoint(run, 1) == (None, ["member-1-step-000009", "member-1-step-000005"])
    assert read_progress(run) == 0


def test_progress_counts_what_is_not_repeated(run: Run) -> None:
    """Steps of finished members and of the newest whole checkpoint; best weights do not count."""
    assert (read_progress(run), read_seconds(run)) == (0, 0.0)
    write(run, 7, 40, best="member-1-best-7")
    assert (read_progress(run), read_seconds(run)) == (40, 80.0)
    name_weights(run, 1).write_bytes(b"weights")
    write_finished(run, 1, facts={"step": 60, "job_seconds": 100.0})
    assert [path.name for path in run.checkpoints.glob("member-1-*/")] == []
    write_checkpoint(run, 2, checkpoint=make_checkpoint(10))
    assert (read_progress(run), read_seconds(run)) == (70, 100.0)
    cut_arrays(run.checkpoints / "member-2-step-000010")
    assert read_progress(run) == 60


def test_a_finished_member_counts_only_with_its_weights(run: Run) -> None:
    """Weights that were changed are not taken for the trained ones."""
    name_weights(run, 1).write_bytes(b"weights")
    write_finished(run, 1, facts={"step": 60})
    facts = read_finished(run, 1)
    assert facts is not None
    assert facts["step"] == 60
    name_weights(run, 1).write_bytes(b"weighty")
    with pytest.raises(InputError):
        read_finished(run, 1)
    forget_member(run, 1)
    assert read_finished(run, 1) is None
    assert list(run.checkpoints.iterdir()) == []
