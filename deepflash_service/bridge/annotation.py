"""Outlines that an expert drew in ImageJ, as a label image and as an annotation of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge import images, overlays
from deepflash_service.bridge.faults import alone_in_imagej
from deepflash_service.bridge.pixels import encode_tiff
from deepflash_service.bridge.rois import rois_to_labels
from deepflash_service.bridge.segmentation import make_file_name
from deepflash_service.core.pairing import find_stem
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deepflash_service.bridge.service import Service
    from deepflash_service.records import LabelImage

_ENDINGS: Final = (".ome.tiff", ".ome.tif", ".tiff", ".tif", ".png", ".jpg", ".jpeg")
_NO_ROIS: Final = (
    "There is no ROI on {title}. Draw outlines and add them to its overlay (Image > Overlay > Add "
    "Selection) or to the ROI Manager, or give them as rois=."
)


def find_rois(image: Any, rois: Any = None) -> list[bytes]:
    """Return the outlines on an ``ij.ImagePlus`` as ROI bytes.

    Parameters
    ----------
    image : ij.ImagePlus
        The image they were drawn on.
    rois : list of bytes or of ij.gui.Roi, or ij.gui.Overlay, optional
        By default its overlay, else the ROI Manager, else its selection.

    Raises
    ------
    InputError
        Code ``no_rois``.
    """
    found = _list_rois(image) if rois is None else overlays.take_rois(rois)
    if not found:
        raise InputError(_NO_ROIS.format(title=image.getTitle()), code="no_rois")
    return found


def _list_rois(image: Any) -> list[bytes]:
    found = overlays.read_overlay(image) or overlays.read_roi_manager()
    if not found and image.getRoi() is not None:
        found = overlays.take_rois([image.getRoi()])
    return found


def draw_annotation(image: Any, rois: Any = None) -> LabelImage:
    """Return the outlines on an ``ij.ImagePlus`` as a label image of its current plane.

    Parameters
    ----------
    image : ij.ImagePlus
        In a stack the slice and frame that it shows count; outlines without a position lie on
        every plane.
    rois : optional
        As in :func:`find_rois`.

    Returns
    -------
    ndarray of shape (M, N), int32
        See :func:`deepflash_service.core.rois.rois_to_labels`.

    Raises
    ------
    InputError
        Codes ``no_rois``; ``invalid_roi`` for points and lines; ``shape_mismatch``.
    """
    place = _read_place(image)
    kept = [roi for roi in find_rois(image, rois) if _lies_on(roi, image, place)]
    if not kept:
        raise InputError(_NO_ROIS.format(title=image.getTitle()), code="no_rois")
    return rois_to_labels(kept, (int(image.getHeight()), int(image.getWidth())))


def send_annotation(
    image: Any, labels: LabelImage, *, service: Service, dataset: str, expert: str
) -> None:
    """Put a label image into a data set; the image's plane too, where the data set lacks it.

    Parameters
    ----------
    image : ij.ImagePlus
        An image of the data set with its title, or with its title but for the ending, is this
        image; else the title is the file name of both. Planes of a stack are called
        ``NAME-t001-z002.tif``, as by the Fiji plugin.
    labels : ndarray of shape (M, N), int32
        What the expert marked on the current plane.
    service : Service
        Connected service.
    dataset, expert : str
        Id of the data set, and whose outlines these are.
    """
    place = _read_place(image)
    names = service.dataset(dataset)["images"]
    name = _choose_name(image, names)
    if name not in names:
        with alone_in_imagej():
            plane = images.read_image_plus(image, dims="TZCYX")[place[1] - 1, place[0] - 1]
            scale = images.read_calibration(image)
        service.put_image(dataset, name, encode_tiff(plane, dims="CYX", calibration=scale))
    service.put_annotation(dataset, f"{find_stem(name)}.tif", encode_tiff(labels), expert=expert)


def _choose_name(image: Any, names: Sequence[str]) -> str:
    """Return the name that the image, or its plane, has or gets in a data set.

    Planes are called as the Fiji plugin does when it saves annotations of a stack.
    """
    title = str(image.getTitle())
    stem = next((title[: -len(end)] for end in _ENDINGS if title.lower().endswith(end)), title)
    suffix = ""
    if image.getStackSize() > image.getNChannels():
        slice_, frame = _read_place(image)
        suffix = f"-t{frame:03d}-z{slice_:03d}"
    made = make_file_name(stem, suffix=suffix)
    if not suffix and title in names:
        return title
    alike = [name for name in names if find_stem(name) == find_stem(made)]
    if len(alike) > 1 and made not in alike:
        raise InputError(
            f"The data set holds {' and '.join(alike)}; {title} would fit more than one. Give the "
            "image the name of one of them (Image > Rename), or remove the others.",
            code="invalid_name",
        )
    return made if made in alike or not alike else alike[0]


def _read_place(image: Any) -> tuple[int, int]:
    """Return slice and frame that the image shows."""
    return int(image.getZ()), int(image.getT())


def _lies_on(roi: bytes, image: Any, place: tuple[int, int]) -> bool:
    from deepflash_service.core.roi_shapes import read_roi

    shape = read_roi(roi)
    wanted: Iterable[int] = shape.position[1:]
    if shape.plane and not any(shape.position):
        wanted = [int(number) for number in image.convertIndexToPosition(shape.plane)][1:]
    return all(number in {0, here} for number, here in zip(wanted, place, strict=True))
