"""From an image to an overlay, and from masks to a model with scores, without a display.

    deepflash samples cells
    python headless.py cells

The folder holds train/images, train/masks/EXPERT, test/images and test/truth. The model is called
example_cells, and goes into the library of your home folder (that of DEEPFLASH_HOME, if it is set).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from deepflash_service.bridge import FijiBridge, Service, connect, init
from deepflash_service.records import Progress

MODEL = "example_cells"
SCORES = {
    "f1": "F1",
    "roi_jaccard": "ROI Jaccard",
    "pixel_jaccard": "pixel Jaccard",
    "dice": "Dice",
}


def describe_scores(scores: Mapping[str, float]) -> str:
    """Return the scores that there are, as a person reads them."""
    return ", ".join(f"{SCORES[name]} {scores[name]:.2f}" for name in SCORES if name in scores)


def print_progress(progress: Progress) -> None:
    """Print how far a training is, and its scores on held-out images where there are new ones."""
    print(" - ".join(filter(None, [progress.message, describe_scores(progress.metrics)])))


def segment_image(fiji: FijiBridge, path: Path, model: str) -> None:
    """Save an image with its ROIs as overlay, and their table beside it."""
    image = fiji.open(path)
    _, rois, table = fiji.segment(image, model)
    fiji.save_tiff(image, f"{path.stem}_overlay.tif")
    table.to_csv(f"{path.stem}_rois.csv", index=False)
    print(f"{path.name}: {len(rois)} ROIs")


def upload_dataset(service: Service, folder: Path) -> str:
    """Send all images with the masks of every expert; return the id of the data set."""
    dataset = service.create_dataset("cells")
    for path in sorted((folder / "images").glob("*.tif")):
        service.put_image(dataset, path.name, path)
    for expert in sorted((folder / "masks").iterdir()):
        for path in sorted(expert.glob("*.tif")):
            service.put_annotation(dataset, path.name, path, expert=expert.name)
    print("two experts agree on average at", describe_scores(service.agreement(dataset)["pairs"]))
    return dataset


def train_model(service: Service, dataset: str, model: str, **options: object) -> None:
    """Train a model and tell how it goes."""
    job = service.train(dataset, model, **options)
    service.wait(job, report=print_progress)
    scores = service.model(model).scores
    if scores is not None:
        print("on images held out of the training:", describe_scores(scores.model_dump()))


def evaluate_model(service: Service, folder: Path, model: str) -> None:
    """Segment unseen images and compare them with the truth."""
    images = {path.name: path for path in sorted((folder / "images").glob("*.tif"))}
    job = service.wait(service.segment(images, model))
    labels = {name: service.result(job, f"{Path(name).stem}/labels.tif") for name in images}
    truths = {name: folder / "truth" / name for name in images}
    scores = service.evaluate(labels, truths)
    print(f"on {len(scores['images'])} unseen images:", describe_scores(scores["mean"]))


def main(folder: Path, epochs: int | None = None) -> None:
    """Do all of it with the sample images."""
    with connect() as service, init(service=service) as fiji:
        dataset = upload_dataset(service, folder / "train")
        train_model(service, dataset, MODEL, preset="quick", epochs=epochs)
        evaluate_model(service, folder / "test", MODEL)
        for path in sorted((folder / "test" / "images").glob("*.tif")):
            segment_image(fiji, path, MODEL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
