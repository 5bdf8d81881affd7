"""The whole workflow on generated pictures: from outlines of experts to ROIs in ImageJ."""

from __future__ import annotations

import statistics
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepflash_service.bridge import connect
from deepflash_service.core.agreement import match_labels
from deepflash_service.core.synthetic import SampleSet, make_samples
from deepflash_service.demo.narration import Narrator, make_console
from deepflash_service.demo.outcome import write_outcome
from deepflash_service.demo.results import DemoResults, Training, UnseenResult
from deepflash_service.demo.workbench import open_workbench
from deepflash_service.errors import DeepFlashError, InputError
from deepflash_service.records import RoiScores
from deepflash_service.store.annotations import read_annotation
from deepflash_service.store.image_writing import encode_tiff
from deepflash_service.workflows.samples import write_samples

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from deepflash_service.bridge.service import Service
    from deepflash_service.demo.workbench import Segmented, Workbench

MODEL = "demo"
_SEED = 0
_EXPERTS = 4
_MACRO_NAME = "DeepFLaSH_ROIs_to_Masks.ijm"


@dataclass(frozen=True, slots=True)
class _Plan:
    """How much is done: number of training images, epochs (None = those of the preset)."""

    images: int
    epochs: int | None


_FULL = _Plan(images=8, epochs=None)
_QUICK = _Plan(images=4, epochs=2)


def run_demo(output: Path, *, quick: bool = False, console: Console | None = None) -> DemoResults:
    """Run the demonstration and leave its results in a folder.

    Writes ``data/`` (generated pictures), ``masks/`` (the experts' ROI sets as ImageJ converted
    them), ``home/`` (home folder of the service that is started), and per unseen image
    ``NAME_overlay.tif``, ``NAME_RoiSet.zip``, ``NAME_comparison.png``; ``rois.csv``,
    ``summary.csv``, ``summary.json`` and ``report.html``. The service is ended in any case.

    Parameters
    ----------
    output : Path
        Folder for everything; made if missing, results of an earlier run are replaced.
    quick : bool, optional
        Fewer images and epochs, to try the machinery and not the model.
    console : rich.console.Console, optional
        Where to print; default is standard output.

    Returns
    -------
    DemoResults
        The scores and how they came about.

    Raises
    ------
    InputError
        Code ``invalid_output`` when `output` is a file.
    DeepFlashError
        When a step fails; the sentence names cause and remedy.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file. Name a folder with --output.", code="invalid_output")
    narrator = Narrator(console or make_console())
    folder = output.absolute()
    plan = _QUICK if quick else _FULL
    samples = _write_data(folder, plan, narrator)
    with ExitStack() as stack:
        with narrator.step("Service and ImageJ") as step:
            service = connect(home=folder / "home")
            stack.callback(service.shutdown_if_started)
            stack.enter_context(service)
            bench = stack.enter_context(open_workbench(service, tell=narrator.say))
            who = (
                f"The service and ImageJ {bench.imagej} run" if bench.imagej else "The service runs"
            )
            step.tell(f"{who} on this computer; nothing leaves it.")
        results, found = _run_workflow(
            folder, samples, plan=plan, bench=bench, service=service, narrator=narrator
        )
        with narrator.step("Report") as step:
            home = str(output / "home")
            write_outcome(folder, results, samples=samples, found=found, home=home)
            step.tell("Pictures, tables and one file of HTML that tells all of it.")
    narrator.print_scores(results)
    narrator.print_places(output, results)
    return results


def _write_data(folder: Path, plan: _Plan, narrator: Narrator) -> SampleSet:
    with narrator.step("Demonstration data") as step:
        write_samples(folder / "data", images=plan.images, experts=_EXPERTS, seed=_SEED)
        samples = make_samples(plan.images, _EXPERTS, _SEED)
        step.tell(
            f"{len(samples.train)} images with the outlines of {_EXPERTS} simulated experts, and "
            f"{len(samples.test)} unseen images with known truth."
        )
    return samples


def _run_workflow(
    folder: Path,
    samples: SampleSet,
    *,
    plan: _Plan,
    bench: Workbench,
    service: Service,
    narrator: Narrator,
) -> tuple[DemoResults, dict[str, Segmented]]:
    _convert_rois(folder, samples, bench=bench, narrator=narrator)
    dataset = _upload(folder, samples, service=service, narrator=narrator)
    agreement = _compare_experts(dataset, service, narrator)
    training = _train(dataset, service, plan=plan, narrator=narrator)
    found = _segment(folder, training.model, bench=bench, narrator=narrator)
    images = _evaluate(found, samples, service=service, narrator=narrator)
    results = DemoResults(
        images=images,
        agreement=agreement,
        training=training,
        steps=tuple(narrator.steps),
        imagej=bench.imagej,
        is_quick=plan is _QUICK,
    )
    return results, found


def _convert_rois(
    folder: Path, samples: SampleSet, *, bench: Workbench, narrator: Narrator
) -> None:
    with narrator.step("ROI sets of the experts to masks") as step:
        experts = list(samples.train[0].experts)
        train = folder / "data" / "train"
        for expert in experts:
            bench.convert_rois(
                train / "images", train / "rois" / expert, output=folder / "masks", expert=expert
            )
        count = len(experts) * len(samples.train)
        who = f"ImageJ ran {_MACRO_NAME} on" if bench.imagej else "Python drew"
        differing = _count_differences(folder / "masks", samples)
        same = "no pixel differs" if differing == 0 else f"{differing} pixels differ"
        step.tell(f"{who} {count} ROI sets; {same} from what the experts outlined.")


def _count_differences(masks: Path, samples: SampleSet) -> int:
    """Count the pixels in which the converted masks differ from the drawn ROIs."""
    return sum(
        int(((read_annotation(masks / expert / f"{sample.name}.tif") > 0) != (drawn > 0)).sum())
        for sample in samples.train
        for expert, drawn in sample.experts.items()
    )


def _upload(folder: Path, samples: SampleSet, *, service: Service, narrator: Narrator) -> str:
    with narrator.step("Upload") as step:
        dataset = service.create_dataset("Demonstration")
        images = folder / "data" / "train" / "images"
        for sample in samples.train:
            name = f"{sample.name}.tif"
            service.put_image(dataset, name, images / name)
            for expert in sample.experts:
                mask = folder / "masks" / expert / name
                service.put_annotation(dataset, name, mask, expert=expert)
        pairs = service.pairs(dataset)
        if len(pairs["pairs"]) != len(samples.train):
            raise InputError(
                "The service did not pair every image with its masks: "
                + "; ".join(map(str, pairs["warnings"])),
                code="pairing_failed",
            )
        step.tell(f"{len(samples.train)} images and the masks of each expert, paired by name.")
    return dataset


def _compare_experts(dataset: str, service: Service, narrator: Narrator) -> dict[str, Any]:
    with narrator.step("Agreement of the experts") as step:
        agreement = service.agreement(dataset)
        step.tell(
            f"Two experts agree on average at F1 {agreement['pairs']['f1']:.2f}, an expert and the "
            f"consensus of all at {agreement['consensus']['mean_f1']:.2f}."
        )
    narrator.print_agreement(agreement)
    return agreement


def _train(dataset: str, service: Service, *, plan: _Plan, narrator: Narrator) -> Training:
    with narrator.step("Training") as step:
        options: dict[str, Any] = {} if plan.epochs is None else {"epochs": plan.epochs}
        job = service.train(dataset, MODEL, preset="quick", seed=_SEED, **options)
        try:
            epochs = narrator.watch(service.events(job))
            job = service.wait(job)
        except KeyboardInterrupt:
            # A training outlives the service; this one is nobody's.
            with suppress(DeepFlashError):
                service.cancel(job)
            raise
        card = service.model(job.model or MODEL)
        name = f"{card.name}@{card.version}"
        step.tell(
            f"Model {name} learned the consensus of {len(card.experts)} experts from "
            f"{len(card.training_images)} images; {len(card.held_out_images)} others were held "
            f"out to watch it learn. {card.ending}".rstrip()
        )
    return Training(
        model=name,
        device=card.device,
        seconds=narrator.steps[-1].seconds,
        images=len(card.training_images),
        epochs=tuple(epochs),
        ending=card.ending,
    )


def _segment(
    folder: Path, model: str, *, bench: Workbench, narrator: Narrator
) -> dict[str, Segmented]:
    with narrator.step("Segmentation of unseen images") as step:
        paths = sorted((folder / "data" / "test" / "images").glob("*.tif"))
        found = {path.stem: bench.segment(path, model, output=folder) for path in paths}
        count = sum(len(image.rois) for image in found.values())
        who = "ImageJ sent" if bench.imagej else "Python sent"
        step.tell(f"{who} {len(found)} images; {count} ROIs came back as overlays and ROI sets.")
    return found


def _evaluate(
    found: dict[str, Segmented], samples: SampleSet, *, service: Service, narrator: Narrator
) -> tuple[UnseenResult, ...]:
    with narrator.step("Evaluation against the truth") as step:
        predictions = {f"{name}.tif": encode_tiff(one.labels) for name, one in found.items()}
        truths = {f"{sample.name}.tif": encode_tiff(sample.truth) for sample in samples.test}
        rows = service.evaluate(predictions, truths)["images"]
        images = tuple(_read_scores(row, samples) for row in rows)
        mean = statistics.fmean(image.scores.f1 for image in images)
        step.tell(f"F1 of {mean:.3f} on images that were never trained on.")
    return images


def _read_scores(row: dict[str, Any], samples: SampleSet) -> UnseenResult:
    name = str(row["image"]).removesuffix(".tif")
    truth = next(sample.truth for sample in samples.test if sample.name == name)
    experts = {
        expert: match_labels(labels, truth).f1
        for expert, labels in samples.test_experts[name].items()
    }
    scores = RoiScores(**{key: row[key] for key in RoiScores.model_fields})
    return UnseenResult(name, scores, experts)
