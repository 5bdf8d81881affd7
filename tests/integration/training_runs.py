"""Tiny real trainings in processes of their own, killed where a test wants."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from deepflash_service.records import ModelCard, NetworkCard, TrainOptions
from deepflash_service.store import datasets, runs
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.images import write_image, write_mask
from deepflash_service.store.models import publish_model, stage_model
from deepflash_service.store.runs import Run

_TRAINER = """
import json, os, signal, sys
from pathlib import Path
from deepflash_service.errors import DeepFlashError
from deepflash_service.network import devices
from deepflash_service.store import runs
from deepflash_service.workflows import training_publish
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.train import run_training

chosen = json.loads(sys.argv[1])
# float32 wherever this runs: other precisions are chosen by measuring
devices._is_bfloat16_faster = lambda: False
run = runs.open_run(Path(chosen["home"]), chosen["job"])
told, warned, steps = [], [], [0]


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def count():
    steps[0] += 1
    if steps[0] == chosen["kill_before"]:
        kill()


if chosen["kill_in_publish"]:
    publish = training_publish.publish_model
    training_publish.publish_model = lambda *data, **facts: (publish(*data, **facts), kill())

hooks = Hooks(
    report=lambda progress: told.append([progress.message, progress.metrics]),
    warn=warned.append,
    share_device=count,
    is_stopping=lambda: 0 < steps[0] == chosen["stop_before"],
)
result = {"told": told, "warned": warned}
try:
    card = run_training(
        Path(chosen["home"]), run, hooks=hooks, checkpoint_seconds=chosen["checkpoint_seconds"]
    )
    result["version"] = card.version
except DeepFlashError as error:
    result |= {"code": error.code, "message": error.message, "details": error.details}
print(json.dumps(result | {"calls": steps[0]}))
"""


def make_home(folder: Path) -> Path:
    """Return a home with a base model of a few hundred weights and a data set of three images."""
    home = folder / "home"
    prepare_home(home)
    _store_base(home)
    for number in range(3):
        rng = np.random.default_rng(number)
        mask = np.zeros((96, 80), bool)
        for row, column in rng.integers(8, 64, (6, 2)):
            mask[row : row + 9, column : column + 9] = True
        image = rng.normal(100, 10, mask.shape) + 60 * mask
        write_image(folder / "images" / f"i{number}.tif", image.astype(np.uint16))
        write_mask(folder / "anna" / f"i{number}.tif", mask)
    return home


def read_weights(path: Path) -> dict[str, Any]:
    """Return all arrays of a weights file by name."""
    import h5py

    arrays: dict[str, Any] = {}

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(path) as stored:
        stored.visititems(add)
    return arrays


def _store_base(home: Path) -> None:
    from deepflash_service.network.architecture import build_network
    from deepflash_service.network.weights import write_weights

    card = ModelCard(name="base", network=NetworkCard(filters=4, depth=2))
    with stage_model(home) as folder:
        write_weights(build_network(card.network), folder / "member-1.weights.h5")
        publish_model(home, folder, card=card)


def make_run(home: Path, *, name: str, **chosen: Any) -> Run:
    """Return a job that fine-tunes the base model for three epochs: 45 steps."""
    folder = home.parent
    dataset = datasets.link_folders(home, folder / "images", masks={"anna": folder / "anna"})
    facts = {"base": "base", "preset": "quick", "epochs": 3, **chosen}
    options = TrainOptions(dataset=dataset, model=name, **facts)
    return runs.create_run(home, "training", options=options.model_dump(mode="json"))


def train(
    home: Path,
    run: Run,
    *,
    kill_before: int = 0,
    stop_before: int = 0,
    kill_in_publish: bool = False,
) -> dict[str, Any]:
    """Train in a new process with a checkpoint after every step, and return what it told.

    ``kill_before`` and ``stop_before`` count the steps (and scored images) of the process, from
    1. A process that was killed as wanted tells nothing.
    """
    chosen = {
        "home": str(home),
        "job": run.id,
        "kill_before": kill_before,
        "stop_before": stop_before,
        "kill_in_publish": kill_in_publish,
        "checkpoint_seconds": 0.0,
    }
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _TRAINER, json.dumps(chosen)],
        cwd=root,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if kill_before or kill_in_publish:
        assert done.returncode == -9, done.stderr[-3000:]
        return {}
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
