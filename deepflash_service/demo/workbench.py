"""Who does ImageJ's part: ImageJ itself in a Java virtual machine, or else Python."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deepflash_service.bridge import init
from deepflash_service.bridge.jars import find_imagej_jars, find_plugin_jar
from deepflash_service.bridge.macros import make_options
from deepflash_service.bridge.tables import read_csv
from deepflash_service.core.rois import rois_to_labels
from deepflash_service.errors import SetupError
from deepflash_service.store.annotations import read_annotation
from deepflash_service.store.image_writing import write_labels, write_overlay_tiff
from deepflash_service.store.images import read_image
from deepflash_service.store.roi_files import read_rois, write_roi_zip
from deepflash_service.workflows.plugin_files import find_macros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from deepflash_service.bridge.fiji import FijiBridge
    from deepflash_service.bridge.service import Service
    from deepflash_service.records import LabelImage

_MACRO = find_macros() / "DeepFLaSH_ROIs_to_Masks.ijm"
_ROI_SUFFIX = "_RoiSet.zip"


@dataclass(frozen=True, slots=True)
class Segmented:
    """ROIs of one image: as label image, as ImageJ bytes, and as table."""

    labels: LabelImage
    rois: list[bytes]
    table: pd.DataFrame


class Workbench(Protocol):
    """Turns ROI sets into masks, and segments images."""

    @property
    def imagej(self) -> str | None:
        """Version of ImageJ; None when Python does it."""

    def convert_rois(self, images: Path, rois: Path, *, output: Path, expert: str) -> None:
        """Turn the ROI sets of one expert into label images ``output/expert/NAME.tif``."""

    def segment(self, image: Path, model: str, *, output: Path) -> Segmented:
        """Segment an image file; write ``NAME_overlay.tif`` and ``NAME_RoiSet.zip``."""


class PythonBench:
    """The workflow without Java: ROI sets drawn by Python, images sent over HTTP."""

    imagej: str | None = None

    def __init__(self, service: Service) -> None:
        self._service = service

    def convert_rois(self, images: Path, rois: Path, *, output: Path, expert: str) -> None:
        """Turn the ROI sets of one expert into label images ``output/expert/NAME.tif``."""
        for path in sorted(images.glob("*.tif")):
            plane = read_image(path).planes[0]
            labels = read_annotation(rois / f"{path.stem}{_ROI_SUFFIX}", shape=plane.shape[:2])
            write_labels(output / expert / path.name, labels)

    def segment(self, image: Path, model: str, *, output: Path) -> Segmented:
        """Segment an image file; write ``NAME_overlay.tif`` and ``NAME_RoiSet.zip``."""
        job = self._service.wait(self._service.segment({image.name: image}, model, wait=20.0))
        rois = read_rois(self._service.result(job, "RoiSet.zip"), name="RoiSet.zip")
        file = read_image(image)
        plane, calibration = file.planes[0], file.calibration
        write_roi_zip(output / f"{image.stem}{_ROI_SUFFIX}", rois)
        write_overlay_tiff(
            output / f"{image.stem}_overlay.tif", plane, rois, calibration=calibration
        )
        table = read_csv(self._service.result(job, "rois.csv"))
        return Segmented(rois_to_labels(rois, plane.shape[:2]), rois, table)


class ImageJBench:
    """The workflow in ImageJ's own classes."""

    def __init__(self, fiji: FijiBridge, service: Service) -> None:
        self._fiji = fiji
        self._service = service

    @property
    def imagej(self) -> str | None:
        """Version of ImageJ, without the number of the build."""
        return re.sub(r"(?<=[a-z])\d+$", "", self._fiji.version)

    def convert_rois(self, images: Path, rois: Path, *, output: Path, expert: str) -> None:
        """Let the macro of the annotation tools turn ROI sets into label images.

        Raises
        ------
        MacroError
            When the macro stops early.
        """
        options = {"images": images, "rois": rois, "output": output, "expert": expert}
        self._fiji.run_macro(_MACRO, make_options({**options, "overwrite": True}))

    def segment(self, image: Path, model: str, *, output: Path) -> Segmented:
        """Segment an image open in ImageJ, and let ImageJ save it with its overlay."""
        picture = self._fiji.open(image)
        _, _, table = self._fiji.segment(picture, model, service=self._service)
        self._fiji.run_command("Enhance Contrast", image=picture, saturated=0.35)
        self._fiji.save_tiff(picture, output / f"{image.stem}_overlay.tif")
        rois = self._fiji.rois_from(picture)
        write_roi_zip(output / f"{image.stem}{_ROI_SUFFIX}", rois)
        shape = (int(picture.getHeight()), int(picture.getWidth()))
        return Segmented(rois_to_labels(rois, shape), rois, table)


@contextmanager
def open_workbench(service: Service, *, tell: Callable[[str], None]) -> Iterator[Workbench]:
    """Start ImageJ in this process; where that is impossible, say why and let Python work.

    Parameters
    ----------
    service : Service
        Segments the images.
    tell : callable
        Told in one sentence who will do the work.

    Yields
    ------
    Workbench
        ImageJ, or else Python.
    """
    try:
        fiji = start_imagej()
    except SetupError as error:
        tell(f"Without ImageJ, Python does its part. {error.message}")
        yield PythonBench(service)
        return
    with fiji:
        bench = ImageJBench(fiji, service)
        tell(f"ImageJ {bench.imagej} runs in a Java virtual machine, without a display.")
        yield bench


def start_imagej() -> FijiBridge:
    """Start ImageJ headless from the jars of the build.

    Raises
    ------
    SetupError
        Java, the jars, the plugin or the macro are missing.
    """
    if not _MACRO.is_file() or not find_imagej_jars() or find_plugin_jar() is None:
        raise SetupError(
            "The Fiji plugin has not been built in this folder: run `make setup`.",
            code="no_imagej",
        )
    return init(backend="ij1")
