"""Kill trainings with -9 at random moments and see whether each still ends ``done``.

Each training is a fine-tuning of a tiny network through the real service. At a random moment
the worker, the service, or both are killed; a killed service is started again. Nobody asks
for a resumption: the product has to go on by itself.

Run: .venv/bin/python -m benchmarks.kill_training [--trainings 50] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from benchmarks.recording import record_result
from deepflash_service.bridge import connect
from deepflash_service.bridge.launch import read_address
from deepflash_service.core.synthetic import make_samples
from deepflash_service.errors import DeepFlashError
from deepflash_service.store.checkpoints import read_progress
from deepflash_service.store.runs import open_run

if TYPE_CHECKING:
    from deepflash_service.bridge import Service

EPOCHS = 4
STEPS = 15 * EPOCHS
CHECKPOINT_SECONDS = 0.5
STARTING_SECONDS = 8.0
SHARE_STARTING = 0.3
LIMIT_SECONDS = 300.0
ENDS = {"done", "failed", "cancelled", "stopped"}
VICTIMS = ("worker", "service", "both")


@dataclass(slots=True)
class Outcome:
    """What became of one training; ``saved`` = steps in the checkpoint when it was killed."""

    victim: str
    at_step: int
    after_seconds: float
    was_in_hand: bool = False
    saved: int = 0
    began_at: int | None = None
    last_step: int = 0
    lowest_after: int = 0
    state: str = ""
    message: str = ""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether it ended well, with all steps, from its checkpoint."""
        is_complete = self.state == "done" and self.last_step == STEPS
        return is_complete and self.lowest_after >= self.saved


def store_tiny_base(home: Path) -> None:
    """Put an untrained network of 4 filters and depth 2 into the library, to be fine-tuned."""
    from deepflash_service.network.architecture import build_network
    from deepflash_service.network.weights import write_weights
    from deepflash_service.records import ModelCard, NetworkCard
    from deepflash_service.store.disk import prepare_home
    from deepflash_service.store.models import publish_model, stage_model

    prepare_home(home)
    card = ModelCard(name="tiny", network=NetworkCard(filters=4, depth=2))
    with stage_model(home) as folder:
        write_weights(build_network(card.network), folder / "member-1.weights.h5")
        publish_model(home, folder, card=card)


def upload_samples(service: Service) -> str:
    """Upload four generated fields with two experts and return the id of the data set."""
    dataset = service.create_dataset("samples")
    for sample in make_samples().train[:4]:
        name = f"{sample.name}.tif"
        service.put_image(dataset, name, sample.image[:256, :256])
        for expert, labels in list(sample.experts.items())[:2]:
            mask = (labels[:256, :256] > 0).astype(np.uint8) * 255
            service.put_annotation(dataset, name, mask, expert=expert)
    return dataset


def find_workers(home: Path, job: str) -> list[psutil.Process]:
    """Return the worker processes that have the job in hand."""
    found = []
    for inbox in (home / "workers").glob("training-*/inbox"):
        if not (inbox / job).exists():
            continue
        found += [
            process
            for process in psutil.process_iter(["cmdline"])
            if inbox.parent.name in (process.info["cmdline"] or ())
        ]
    return found


def kill_job(home: Path, job: str, victim: str) -> bool:
    """Kill -9 worker, service or both; return whether a worker had the job in hand."""
    workers = find_workers(home, job)
    targets = [] if victim == "service" else list(workers)
    address = read_address(home)
    if victim != "worker" and address is not None:
        targets.append(psutil.Process(address.pid))
    for process in targets:
        with suppress(psutil.NoSuchProcess):
            os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs(targets, timeout=10)
    return bool(workers)


def read_steps(home: Path, job: str) -> list[tuple[int, int]]:
    """Return the number of each event that tells a step, and that step."""
    from deepflash_service.store.runs import read_events

    events = read_events(open_run(home, job))
    return [(one["seq"], int(one["metrics"]["step"])) for one in events if "step" in one["metrics"]]


def draw_moment(rng: np.random.Generator) -> Outcome:
    """Draw whom to kill, and when: while the worker starts, or at a step, or while it ends."""
    victim = str(rng.choice(VICTIMS))
    if rng.random() < SHARE_STARTING:
        return Outcome(victim, 0, round(float(rng.uniform(0.0, STARTING_SECONDS)), 2))
    return Outcome(victim, int(rng.integers(1, STEPS + 1)), round(float(rng.uniform(0.0, 1.0)), 2))


def await_moment(home: Path, job: str, outcome: Outcome) -> None:
    """Wait until the steps drawn are kept, then the seconds drawn."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline and read_progress(open_run(home, job)) < outcome.at_step:
        time.sleep(0.02)
    time.sleep(outcome.after_seconds)


def run_one(home: Path, dataset: str, rng: np.random.Generator) -> Outcome:
    """Train once with one kill at a random moment."""
    outcome = draw_moment(rng)
    start = time.monotonic()
    with connect(home=home) as service:
        job = service.train(
            dataset,
            "killed",
            base="tiny",
            preset="quick",
            epochs=EPOCHS,
            seed=int(rng.integers(99)),
        ).id
        await_moment(home, job, outcome)
        outcome.was_in_hand = kill_job(home, job, outcome.victim)
        outcome.saved = read_progress(open_run(home, job))
        told = len(read_steps(home, job))
    while time.monotonic() - start < LIMIT_SECONDS and outcome.state not in ENDS:
        with suppress(DeepFlashError), connect(home=home) as service:
            shown = service.wait(job, poll=1.0)
            outcome.state, outcome.message = shown.state, shown.message
        time.sleep(0.5)
    steps = [step for _, step in read_steps(home, job)]
    later = steps[told:]
    outcome.last_step = max(steps, default=0)
    outcome.lowest_after = min(later, default=outcome.saved)
    outcome.began_at = later[0] if later else None
    outcome.seconds = round(time.monotonic() - start, 1)
    return outcome


def measure_usual(home: Path, dataset: str) -> float:
    """Return the seconds of a training that nobody disturbs."""
    start = time.monotonic()
    with connect(home=home) as service:
        service.wait(service.train(dataset, "calm", base="tiny", preset="quick", epochs=EPOCHS))
    return time.monotonic() - start


def summarize(outcomes: list[Outcome], usual: float, too_late: int) -> dict[str, Any]:
    """Return the figures for the record."""
    resumed = [one for one in outcomes if one.saved]
    return {
        "trainings": len(outcomes),
        "done": sum(one.state == "done" for one in outcomes),
        "good": sum(one.is_good for one in outcomes),
        "killed_with_checkpoint": len(resumed),
        "started_over_despite_checkpoint": sum(one.lowest_after < one.saved for one in resumed),
        "ended_before_the_kill_and_not_counted": too_late,
        "undisturbed_seconds": round(usual, 1),
        "checkpoint_seconds": CHECKPOINT_SECONDS,
        "steps": STEPS,
        "victims": {name: sum(one.victim == name for one in outcomes) for name in VICTIMS},
        "runs": [asdict(one) for one in outcomes],
    }


def main() -> None:
    """Kill the trainings one after the other and record what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainings", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ["DEEPFLASH_CHECKPOINT_SECONDS"] = str(CHECKPOINT_SECONDS)
    rng = np.random.default_rng(options.seed)
    outcomes: list[Outcome] = []
    too_late = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        store_tiny_base(home)
        with connect(home=home) as service:
            dataset = upload_samples(service)
        usual = measure_usual(home, dataset)
        print(f"undisturbed: {usual:.1f} s", flush=True)
        while len(outcomes) < options.trainings:
            outcome = run_one(home, dataset, rng)
            if outcome.was_in_hand:
                outcomes.append(outcome)
            else:
                too_late += 1
            print(len(outcomes), outcome.is_good, outcome, flush=True)
        end_service(home)
    record_result("kill_training", summarize(outcomes, usual, too_late))


def end_service(home: Path) -> None:
    """End the service of the home folder."""
    address = read_address(home)
    if address is not None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(address.pid)
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    main()
