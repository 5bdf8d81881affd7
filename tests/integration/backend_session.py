"""One process with ImageJ in it: writes what the bridge did as JSON.

Run as ``python backend_session.py FACTS.json BACKEND [FIJI]``; the same script for each way to
start ImageJ, so that what differs is the way alone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.bridge import FijiBridge, init
from deepflash_service.bridge.rois import labels_to_rois, rois_to_labels
from deepflash_service.errors import DeepFlashError

if TYPE_CHECKING:
    import numpy.typing as npt

MACROS = {
    "exit": 'exit("the reason");',
    "undefined": "x = y + 1;",
    "no image": 'run("Invert");',
    "unknown": 'run("No Such Command");',
    "fine": 'newImage("a", "8-bit", 9, 7, 1); t = "a " + getWidth(); close(); return t;',
}


def round_trips(fiji: FijiBridge) -> dict[str, bool]:
    """Return for each kind of image whether it came back unchanged."""
    random = np.random.default_rng(1)
    images: dict[str, tuple[npt.NDArray[Any], str | None]] = {
        "uint8": (random.integers(0, 256, (31, 47)).astype(np.uint8), None),
        "uint16": (random.integers(0, 65536, (31, 47)).astype(np.uint16), None),
        "float32": (random.normal(size=(31, 47)).astype(np.float32), None),
        "TZCYX": (random.integers(0, 65536, (2, 3, 4, 15, 17)).astype(np.uint16), "TZCYX"),
    }
    same = {}
    for name, (pixels, dims) in images.items():
        image = fiji.to_imageplus(pixels, dims=dims, title=name)
        back = fiji.from_imageplus(image, dims=dims)
        same[name] = back.dtype == pixels.dtype and np.array_equal(back, pixels)
    return same


def stacks(fiji: FijiBridge) -> dict[str, Any]:
    """Return what becomes of an edit of all slices, of a change of type, and of the array."""
    pixels = np.arange(3 * 8 * 9, dtype=np.uint8).reshape(3, 8, 9)
    image = fiji.to_imageplus(pixels, dims="ZYX", title="stack")
    before = pixels.copy()
    fiji.run_command("Invert", image=image, stack=True)
    inverted = fiji.from_imageplus(image)
    fiji.run_command("16-bit", image=image)
    return {
        "virtual": bool(image.getStack().isVirtual()),
        "inverted": bool(np.array_equal(inverted, 255 - before)),
        "array untouched": bool(np.array_equal(pixels, before)),
        "changed type": fiji.from_imageplus(image).dtype.name,
    }


def overlays(fiji: FijiBridge, folder: Path) -> dict[str, Any]:
    """Return whether ROIs survive ImageJ, and a TIFF file."""
    labels = np.zeros((64, 64), np.int32)
    labels[3:20, 4:30] = 1
    labels[8:12, 10:15] = 0
    labels[30:60, 30:33] = 2
    image = fiji.to_imageplus(labels.astype(np.uint16), title="labels")
    fiji.set_overlay(image, labels_to_rois(labels))
    saved = fiji.save_tiff(image, folder / "labels.tif")
    opened = fiji.open(saved)
    return {
        "kept": bool(np.array_equal(rois_to_labels(fiji.rois_from(image), labels.shape), labels)),
        "saved": bool(np.array_equal(rois_to_labels(fiji.rois_from(opened), labels.shape), labels)),
    }


def macros(fiji: FijiBridge) -> dict[str, str]:
    """Return what each macro gives: its text, or the class and sentence of its error."""
    answers = {}
    for name, text in MACROS.items():
        try:
            answers[name] = fiji.run_macro(text)
        except DeepFlashError as error:
            answers[name] = f"{type(error).__name__}: {error}"
    return answers


def tables(fiji: FijiBridge) -> dict[str, list[Any]]:
    """Return the columns of a table that has labels, numbers and text."""
    text = (
        'for (i = 0; i < 2; i++) { setResult("Label", i, "cell " + i); '
        'setResult("Area", i, i + 0.5); setResult("Kind", i, "k" + i); } updateResults();'
    )
    fiji.run_macro(text)
    return {str(k): list(v) for k, v in fiji.results_to_dataframe().to_dict("list").items()}


def memory(fiji: FijiBridge, count: int = 80) -> int:
    """Return how many images of 9 MB went to ImageJ and back, with 512 MB for all."""
    pixels = np.zeros((1536, 3072), np.uint16)
    for number in range(count):
        pixels[0, 0] = number
        image = fiji.to_imageplus(pixels, title=str(number))
        if fiji.from_imageplus(image)[0, 0] != number:
            return number
    return count


def interrupted() -> bool:
    """Return whether SIGINT still is a KeyboardInterrupt."""
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(20)
    except KeyboardInterrupt:
        return True
    return False


def main() -> None:
    """Go through all of it."""
    target, backend, *fiji_folder = sys.argv[1:]
    where = fiji_folder[0] if fiji_folder else None
    with (
        tempfile.TemporaryDirectory() as folder,
        init(where, backend=backend, heap_gb=0.5) as fiji,  # type: ignore[arg-type]
    ):
        facts = {
            "backend": fiji.backend,
            "gateway": fiji.gateway is not None,
            "round trips": round_trips(fiji),
            "stacks": stacks(fiji),
            "overlays": overlays(fiji, Path(folder)),
            "macros": macros(fiji),
            "tables": tables(fiji),
            "memory": memory(fiji),
            "interrupted": interrupted(),
        }
    Path(target).write_text(json.dumps(facts), encoding="utf-8")
    sys.stdout.write("the only line of standard output\n")


if __name__ == "__main__":
    main()
