"""ImageJ in this process, for scripts: images, overlays, macros, segmentation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from deepflash_service.bridge import annotation, images, macros, overlays, tables
from deepflash_service.bridge.client import connect
from deepflash_service.bridge.faults import alone_in_imagej, uncollected
from deepflash_service.bridge.jvm import Running, java_class
from deepflash_service.bridge.segmentation import segment_image
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    import pandas as pd
    import xarray as xr

    from deepflash_service.bridge.pixels import Pixels
    from deepflash_service.bridge.service import Service
    from deepflash_service.records import Calibration, LabelImage, Report


class FijiBridge:
    """ImageJ in this process; made by :func:`init`.

    Every method takes a lock, since ImageJ 1 is not thread-safe. Failures of ImageJ are
    ``MacroError``, wrong arguments ``InputError``, missing parts ``SetupError``.
    """

    def __init__(self, running: Running, *, service: Service | None = None) -> None:
        self._running = running
        self._service = service
        self._owns_service = False

    @property
    def backend(self) -> str:
        """How ImageJ was started: pyimagej, ij1, or running (by somebody else)."""
        return self._running.backend

    @property
    def gateway(self) -> Any:
        """The pyimagej gateway (``net.imagej.ImageJ``); None with the backend ij1."""
        return self._running.gateway

    @property
    def version(self) -> str:
        """Version of ImageJ 1."""
        return str(java_class("ij.IJ").getFullVersion())

    @property
    def is_headless(self) -> bool:
        """Whether there is no display."""
        return bool(java_class("java.awt.GraphicsEnvironment").isHeadless())

    def open(self, path: str | os.PathLike[str]) -> Any:
        """Open an image file with ImageJ and return its ``ij.ImagePlus``.

        Raises
        ------
        InputError
            Code ``invalid_image``.
        """
        file = _take_path(path)
        with alone_in_imagej():
            image = java_class("ij.IJ").openImage(str(file)) if file.is_file() else None
        if image is None:
            raise InputError(
                f"ImageJ cannot open {file}. Check the path, or save the image as TIFF.",
                code="invalid_image",
            )
        return image

    def to_imageplus(
        self,
        array: Pixels | xr.DataArray,
        *,
        dims: str | None = None,
        title: str = "image",
        calibration: Calibration | None = None,
    ) -> Any:
        """Return an array as an ``ij.ImagePlus`` (see :func:`images.make_image_plus`)."""
        with uncollected():
            return images.make_image_plus(array, dims=dims, title=title, calibration=calibration)

    def from_imageplus(self, image: Any, *, dims: str | None = None) -> Pixels:
        """Return the pixels of an ``ij.ImagePlus`` (see :func:`images.read_image_plus`)."""
        with alone_in_imagej():
            return images.read_image_plus(image, dims=dims)

    def to_xarray(self, image: Any) -> xr.DataArray:
        """Return an ``ij.ImagePlus`` with named axes (see :func:`images.read_data_array`)."""
        with alone_in_imagej():
            return images.read_data_array(image)

    def to_overlay(self, rois: Iterable[Any]) -> Any:
        """Return ROIs (bytes or ``ij.gui.Roi``) as an ``ij.gui.Overlay``."""
        with uncollected():
            return overlays.make_overlay(overlays.take_rois(rois))

    def set_overlay(self, image: Any, rois: Any) -> Any:
        """Set an ``Overlay``, or ROI bytes, as the overlay of an image; returns the overlay."""
        images.check_image_plus(image)
        with uncollected():
            is_overlay = hasattr(rois, "toArray")
            overlay = rois if is_overlay else overlays.make_overlay(overlays.take_rois(rois))
            image.setOverlay(overlay)
        return overlay

    def rois_from(self, source: Any) -> list[bytes]:
        """Return the ROIs of an ``ImagePlus`` (its overlay) or of an ``Overlay`` as bytes."""
        with alone_in_imagej():
            return overlays.read_overlay(source)

    def to_roi_manager(self, rois: Iterable[Any]) -> Any:
        """Add ROIs to the ROI Manager, which is never cleared; returns the manager.

        Raises
        ------
        SetupError
            Code ``no_display``: ImageJ has no ROI Manager without a display.
        """
        with alone_in_imagej():
            return overlays.fill_roi_manager(overlays.take_rois(rois))

    def run_macro(self, macro: str | Path, arg: str = "", *, image: Any = None) -> str:
        """Run a macro (text, or path of an ``.ijm`` file) and return what it returns.

        Raises
        ------
        MacroError
            The macro stopped early, whatever the reason; with line and cause.
        """
        return macros.run_macro(macros.read_macro(macro), arg, image=image)

    def run_command(self, command: str, *, image: Any = None, **inputs: object) -> None:
        """Run a menu command: ``run_command("Gaussian Blur...", image=imp, sigma=2)``.

        Raises
        ------
        MacroError
            The command is unknown or failed.
        """
        macros.run_command(command, macros.make_options(inputs), image=image)

    def results_to_dataframe(self, table: Any = None) -> pd.DataFrame:
        """Return a ``ResultsTable`` (default: ImageJ's Results) as a data frame."""
        with alone_in_imagej():
            if table is None:
                table = java_class("ij.measure.ResultsTable").getResultsTable()
            return tables.read_results_table(table)

    def save_tiff(self, image: Any, path: str | os.PathLike[str]) -> Path:
        """Save an ``ij.ImagePlus`` with its overlay as TIFF; returns the path.

        Raises
        ------
        InputError
            Code ``not_saved``: the folder is missing or cannot be written.
        """
        target = _take_path(path)
        with alone_in_imagej():
            overlays.save_tiff(image, target)
        return target

    def segment(
        self,
        image: Any,
        model: str,
        *,
        dims: str | None = None,
        service: Service | None = None,
        report: Report | None = None,
        **options: Any,
    ) -> tuple[Any, list[Any], pd.DataFrame]:
        """Segment an image with a model of the service; sets the overlay of an ``ImagePlus``.

        Parameters
        ----------
        image : ij.ImagePlus, ndarray or xarray.DataArray
            Image or stack; its pixels are sent unscaled.
        model : str
            ``NAME`` or ``NAME@VERSION``.
        dims : str, optional
            Axes of an array that has more than rows and columns, such as ``ZYX``.
        service : Service, optional
            Default is the one of :func:`init`, else ``connect()``.
        report : callable, optional
            Called with the progress of the job.
        **options
            threshold, min_roi_size, channel, planes.

        Returns
        -------
        overlay : ij.gui.Overlay
            Also set on the image.
        rois : list of ij.gui.Roi
            The ROIs of the overlay; the ROI Manager gets them too where there is a display.
        table : pandas.DataFrame
            One row for each ROI.

        Raises
        ------
        InputError, NotFoundError, ComputeError, ServiceUnreachableError
            Each with a sentence that says what to do.
        """
        with uncollected():
            image = images.take_image_plus(image, dims=dims)
        service = service or self._find_service()
        found, table = segment_image(image, model, service=service, report=report, **options)
        overlay = self.set_overlay(image, found)
        if not self.is_headless:
            self.to_roi_manager(found)
        with uncollected():
            return overlay, list(overlay.toArray()), table

    def annotate_from_rois(
        self,
        image: Any,
        rois: Any = None,
        *,
        dataset: str | None = None,
        expert: str = "expert_1",
        service: Service | None = None,
    ) -> LabelImage:
        """Return what was outlined on an image as a label image, and save it as an annotation.

        Parameters
        ----------
        image : ij.ImagePlus
            The image; in a stack the plane that it shows.
        rois : list of bytes or of ij.gui.Roi, or ij.gui.Overlay, optional
            By default the overlay of the image, else the ROI Manager, else the selection.
        dataset : str, optional
            Id of the data set of the service that gets the annotation under the title of the
            image, and the image too where it lacks it. Without it nothing is sent.
        expert : str
            Who drew the outlines.
        service : Service, optional
            As in :meth:`segment`.

        Returns
        -------
        ndarray of shape (M, N), int32
            Label image with the pixels that ImageJ itself would fill.

        Raises
        ------
        InputError
            Codes ``no_rois``; ``invalid_roi`` for points and lines, which enclose no area;
            ``shape_mismatch`` for outlines beyond the image.
        """
        images.check_image_plus(image)
        with alone_in_imagej():
            labels = annotation.draw_annotation(image, rois)
        if dataset is not None:
            service = service or self._find_service()
            annotation.send_annotation(
                image, labels, service=service, dataset=dataset, expert=expert
            )
        return labels

    def close(self) -> None:
        """Close what this bridge opened itself; ImageJ runs until the process ends."""
        if self._owns_service and self._service is not None:
            self._service.close()
            self._service, self._owns_service = None, False

    def _find_service(self) -> Service:
        if self._service is None:
            self._service, self._owns_service = connect(), True
        return self._service

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take_path(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path).expanduser().absolute()
    except TypeError:
        raise InputError(
            f"The path of a file is needed here, not {type(path).__name__}.", code="invalid_path"
        ) from None
