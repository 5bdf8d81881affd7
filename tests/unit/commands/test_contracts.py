"""The command line's promises: exit codes, one sentence per fault, one JSON object."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from deepflash_service import cli
from deepflash_service.errors import SetupError
from deepflash_service.store import runs
from deepflash_service.store.events import Event
from tests.unit.commands.conftest import Run
from tests.unit.store.image_samples import make_png
from tests.unit.store.test_models import add_model

SCORES = {
    "pixel_jaccard", "dice", "roi_jaccard", "precision", "recall", "f1", "matched", "predicted",
    "expected",
}  # fmt: skip


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    """The list of commands appears without TensorFlow, NumPy, Flask or a JVM."""
    code = (
        "import sys; from deepflash_service.cli import run; run(['--help']);"
        "print([m for m in ('numpy','tensorflow','keras','flask','scyjava') if m in sys.modules])"
    )
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.rstrip().endswith("[]")
    assert time.monotonic() - start < 10
    assert all(name in done.stdout for name in cli.COMMANDS)


@pytest.mark.parametrize("command", list(cli.COMMANDS))
def test_every_command_explains_itself(run: Run, command: str) -> None:
    """Each command has a help page, and takes --home."""
    found = run(command, "--help")
    assert found.code == 0
    assert "Usage: deepflash" in found.out
    if command != "demo":
        assert "--home" in found.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["segment"],
        ["segment", "/none.tif", "--model", "m", "--output", "o"],
        ["train", "--images", ".", "--model", "m"],
        ["train", "--images", ".", "--masks", "anna", "--model", "m"],
        ["train", "--images", ".", "--masks", "anna=/none", "--model", "m"],
        ["train", "--images", ".", "--masks", "a=.", "--masks", "a=.", "--model", "m"],
        ["train", "--images", ".", "--masks", "a=.", "--model", "../m"],
        ["consensus", "--masks", "a=.", "--output", "."],
        ["train", "--images", ".", "--masks", "a=.", "--model", "m", "--preset", "slow"],
        ["segment", ".", "--model", "m", "--output", "o", "--threshold", "1.5"],
        ["segment", ".", "--model", "m", "--output", "o", "--planes", "0"],
        ["segment", ".", "--model", "m", "--output", "o", "--shard", "3/2"],
        ["evaluate", "--truth", "."],
        ["evaluate", "--truth", ".", "--prediction", ".", "--model", "m"],
        ["evaluate", "--truth", ".", "--prediction", ".", "--iou", "0"],
        ["evaluate", "--truth", ".", "--prediction", ".", "--separation", "1"],
        ["agreement", "--masks", "a=.", "--consensus", "best"],
        ["models", "tag", "m", "recommended"],
        ["models", "list", "--home", ""],
        ["serve", "--port", "70000"],
    ],
)
def test_wrong_use_ends_with_2(run: Run, arguments: list[str]) -> None:
    """Wrong use prints one line on stderr, nothing on stdout, and ends with 2."""
    found = run(*arguments)
    assert found.code == 2
    assert found.out == ""
    assert found.err.startswith("deepflash")
    assert found.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["models", "show", "none"], "There is no model 'none'"),
        (["models", "test", "none"], "There is no model 'none'"),
        (["jobs", "show", "none"], "There is no job 'none'"),
        (["jobs", "cancel", "../x"], "There is no job"),
        (["segment", "{images}", "--model", "none", "--output", "{out}"], "no model 'none'"),
        (["segment", "{empty}", "--model", "m", "--output", "{out}"], "holds no image"),
        (["evaluate", "--prediction", "{empty}", "--truth", "{truth}"], "no prediction"),
        (["agreement", "--masks", "a={a}"], "second expert"),
        (["consensus", "--masks", "a={empty}", "--output", "{out}"], "No image"),
        (["install-fiji", "{empty}"], "is no Fiji"),
        (["models", "import", "{images}/x.tif"], "is not a model package"),
    ],
)
def test_failures_end_with_1(
    run: Run, data: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    """A failure prints one sentence with cause and remedy on stderr and ends with 1."""
    (tmp_path / "empty").mkdir()
    places = {"images": data / "images", "truth": data / "truth", "a": data / "a"}
    places |= {"out": tmp_path / "out", "empty": tmp_path / "empty"}
    found = run(*(one.format(**places) for one in arguments))
    assert found.code == 1
    assert found.out == ""
    assert words in found.err
    assert found.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("fake_model")
def test_segment_prints_one_object(run: Run, data: Path, tmp_path: Path) -> None:
    """Noise of libraries does not reach stdout; files are named; faults give exit code 1."""
    output = tmp_path / "out"
    arguments = ["segment", data / "images", "--model", "m", "--output", output, "--json"]
    found = run(*arguments)
    assert found.code == 0
    assert found.err == ""
    assert set(found.json) == {"model", "version", "device", "images"}
    first = found.json["images"][0]
    keys = {"image", "rois", "seconds", "files", "error", "expected_f1", "flags"}
    assert set(first) == keys
    assert (first["image"], first["rois"], first["error"]) == ("x.tif", 3, None)
    assert all(Path(path).is_file() for path in first["files"].values())
    noise = [[[200, 1, 1]] * 30] * 20
    (data / "images" / "z.png").write_bytes(make_png(np.array(noise, np.uint8)))
    found = run(*arguments)
    assert found.code == 1
    assert found.json["images"][2]["error"]["code"] == "rgb_image"
    assert found.err.count("\n") == 1


@pytest.mark.usefixtures("fake_model")
def test_evaluate_prints_scores(run: Run, data: Path, tmp_path: Path) -> None:
    """Per image, mean and pooled, for folders and for models."""
    run("segment", data / "images", "--model", "m", "--output", tmp_path / "out")
    by_folder = run(
        "evaluate", "--prediction", tmp_path / "out", "--truth", data / "truth",
        "--min-roi-size", "2", "--json",
    )  # fmt: skip
    by_model = run(
        "evaluate", "--model", "m", "--images", data / "images", "--truth", data / "truth",
        "--min-roi-size", "2", "--pixel-size", "0.5", "--separation", "0", "--json",
    )  # fmt: skip
    for found in (by_folder, by_model):
        assert found.code == 0
        assert {"images", "mean", "pooled"} <= set(found.json)
        assert set(found.json["mean"]) == set(found.json["pooled"]) == SCORES
        assert set(found.json["images"][0]) == SCORES | {"image"}
        assert found.json["pooled"]["f1"] == 1
    text = run("evaluate", "--prediction", tmp_path / "out", "--truth", data / "truth")
    assert "pooled" in text.out


def test_agreement_prints_one_object(run: Run, data: Path) -> None:
    """All keys that the design names."""
    masks = [item for expert in "abc" for item in ("--masks", f"{expert}={data / expert}")]
    found = run("agreement", *masks, "--json").json
    assert {"images", "experts", "pairs", "pairwise", "consensus", "rois"} <= set(found)
    assert found["pairs"]["f1"] == 1
    assert found["consensus"]["mean_f1"] == 1
    assert "mean of pairs" in run("agreement", *masks).out


def test_consensus_writes_masks(run: Run, data: Path, tmp_path: Path) -> None:
    """One mask per image; the table or the object tells the method."""
    masks = [item for expert in "abc" for item in ("--masks", f"{expert}={data / expert}")]
    found = run("consensus", *masks, "--output", tmp_path / "out", "--json").json
    assert [one["method"] for one in found["images"]] == ["majority", "majority"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x.tif", "y.tif"]
    assert run("consensus", *masks, "--output", tmp_path / "out").code == 0


def test_measure_writes_a_table(run: Run, data: Path, tmp_path: Path) -> None:
    """One row per ROI."""
    found = run(
        "measure", "--images", data / "images", "--labels", data / "truth",
        "--output", tmp_path / "t.csv", "--json",
    )  # fmt: skip
    assert [one["rois"] for one in found.json["images"]] == [3, 3]
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 7


def test_samples_are_written(run: Run, tmp_path: Path) -> None:
    """The command tells what it wrote."""
    found = run("samples", tmp_path / "s", "--images", 1, "--experts", 1, "--json").json
    assert found["experts"] == ["expert_1"]
    assert (tmp_path / "s" / "train" / "images" / f"{found['train'][0]}.tif").is_file()


def test_models_are_listed_tagged_moved(run: Run, home: Path, tmp_path: Path) -> None:
    """List, show, tag, export, import, rename and remove, each with --json."""
    assert run("models", "list", "--json").json == {"models": []}
    assert "empty" in run("models", "list").out
    add_model(home)
    card = run("models", "list", "--json").json["models"][0]
    assert (card["name"], card["version"]) == ("cells", 1)
    tagged = run("models", "tag", "cells@1", "recommended", "--json").json
    assert tagged == {"model": "cells", "labels": {"recommended": 1}}
    shown = run("models", "show", "cells", "--json").json
    assert set(shown) == {"name", "versions", "labels"}
    assert "recommended" in run("models", "show", "cells").out
    file = run("models", "export", "cells", "--output", tmp_path, "--json").json["file"]
    imported = run("models", "import", file, "--name", "copy", "--json").json
    assert imported == {"model": "copy", "version": 1}
    renamed = run("models", "rename", "copy", "other", "--json").json
    assert renamed == {"model": "other", "versions": [1]}
    assert "There is a model 'cells' already" in run("models", "rename", "other", "cells").err
    assert run("models", "show", "copy").code == 1
    assert run("models", "remove", "other", "--json").json == {"removed": ["other@1"]}
    assert run("models", "show", "other").code == 1


def test_jobs_are_shown_and_ended(run: Run, home: Path) -> None:
    """A queued job can be cancelled once; a job whose process is gone is interrupted."""
    job = runs.create_run(home, "training", options={"model": "m"})
    assert run("jobs", "list", "--json").json["jobs"][0]["state"] == "queued"
    assert run("jobs", "stop", job.id).code == 1
    assert run("jobs", "cancel", job.id, "--json").json["state"] == "cancelled"
    again = run("jobs", "cancel", job.id)
    assert (again.code, "ended already" in again.err) == (1, True)
    lost = runs.create_run(home, "training", options={"model": "m"})
    runs.append_event(lost, Event("running", "epoch 1", 1, 9))
    assert run("jobs", "show", lost.id, "--json").json["state"] == "interrupted"
    assert "interrupted" in run("jobs", "list").out
    other = runs.create_run(home, "segmentation", options={"model": "m"})
    assert "only trainings" in run("jobs", "resume", other.id).err


def test_doctor_tells_the_setup(run: Run, home: Path) -> None:
    """Checks with remedies; the job table is rebuilt from the folders."""
    runs.create_run(home, "training", options={"model": "m"})
    found = run("doctor", "--no-device", "--rebuild-index", "--json")
    assert found.code == 0
    assert found.json["rebuilt_jobs"] == 1
    assert {check["state"] for check in found.json["checks"]} <= {"ok", "warning"}
    assert "DeepFLaSH" in run("doctor", "--no-device").out


def test_home_can_be_given_anywhere(run: Run, home: Path, tmp_path: Path) -> None:
    """--home before or after the command wins over the environment."""
    add_model(tmp_path / "other")
    for arguments in (
        ("--home", tmp_path / "other", "models", "list"),
        ("models", "list", "--home", tmp_path / "other"),
        ("models", "--home", tmp_path / "other", "list"),
    ):
        assert len(run(*arguments, "--json").json["models"]) == 1
    assert run("models", "list", "--json").json["models"] == []


def test_unexpected_faults_are_one_sentence(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a fault of ours gives one line and exit code 1, not a traceback."""
    monkeypatch.setattr("deepflash_service.workflows.agree.agree_folders", lambda *_a, **_k: 1 // 0)
    found = run("agreement", "--masks", f"a={data / 'a'}")
    assert found.code == 1
    assert "unexpected fault ZeroDivisionError" in found.err
    assert found.err.count("\n") == 1


def test_commands_that_read_need_no_log(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The doctor answers in a home that may only be read, and says that it cannot be written."""
    assert run("models", "list").code == 0
    (home / "log.txt").mkdir()

    def fail(_home: Path) -> None:
        raise SetupError("The home folder cannot be written.", code="disk_fault")

    monkeypatch.setattr("deepflash_service.workflows.doctor.try_writing", fail)
    found = run("doctor", "--no-device", "--json")
    assert found.code == 1
    assert [one["name"] for one in found.json["checks"] if one["state"] == "fault"] == ["home"]
