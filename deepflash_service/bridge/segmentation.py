"""One ImageJ image through the service: pixels up, ROIs and table down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge import images, tables
from deepflash_service.bridge.faults import uncollected
from deepflash_service.bridge.pixels import encode_tiff
from deepflash_service.bridge.rois import unpack_rois
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from deepflash_service.bridge.jobs import Job
    from deepflash_service.bridge.service import Service
    from deepflash_service.records import Report

_COLOR_RGB: Final = 4
_QUICK_SECONDS: Final = 20.0
_FORBIDDEN: Final = dict.fromkeys(map(ord, '/\\:*?"<>|'), "_")
_LONGEST_NAME: Final = 100


def segment_image(
    image: Any,
    model: str,
    *,
    service: Service,
    report: Report | None = None,
    **options: Any,
) -> tuple[list[bytes], pd.DataFrame]:
    """Send an ``ij.ImagePlus`` to the service and return its ROIs and their table.

    The raw pixels are sent, so the display range plays no part.

    Parameters
    ----------
    image : ij.ImagePlus
        Image or stack.
    model : str
        ``NAME`` or ``NAME@VERSION``.
    service : Service
        Connected service.
    report : callable, optional
        Called with the progress of the job.
    **options
        Further fields of ``SegmentOptions``.

    Returns
    -------
    rois : list of bytes
        ImageJ ROIs, with positions for a stack.
    table : pandas.DataFrame
        One row for each ROI (``rois.csv``).

    Raises
    ------
    InputError
        Codes ``invalid_image``, ``rgb_image``, and those of the service.
    """
    images.check_image_plus(image)
    if int(image.getType()) == _COLOR_RGB and service.model(model).network.channels == 1:
        raise InputError(
            f"This is an RGB image, but model {model} expects one channel. Use Image > Color > "
            "Split Channels or Image > Type > 8-bit.",
            code="rgb_image",
        )
    data, name = encode_image(image), make_file_name(str(image.getTitle()))
    job = service.segment({name: data}, model, wait=_QUICK_SECONDS, **options)
    return fetch_results(service, service.wait(job, report=report))


def encode_image(image: Any) -> bytes:
    """Return the raw pixels of an ``ij.ImagePlus`` with axes and calibration as a TIFF file."""
    with uncollected():
        return encode_tiff(
            images.read_image_plus(image),
            dims=images.list_dims(image),
            calibration=images.read_calibration(image),
        )


def fetch_results(service: Service, job: Job) -> tuple[list[bytes], pd.DataFrame]:
    """Return ROIs and table of a segmentation that is done; the job of one image."""
    rois = unpack_rois(service.result(job, "RoiSet.zip"))
    return rois, tables.read_csv(service.result(job, "rois.csv"))


def make_file_name(title: str, *, suffix: str = "") -> str:
    """Return the title of an image as a file name that the service takes.

    Parameters
    ----------
    title : str
        With or without ``.tif``.
    suffix : str, optional
        What comes before ``.tif``, as the number of a plane; never cut off.
    """
    stem = title.removesuffix(".tif").removesuffix(".tiff").translate(_FORBIDDEN)
    stem = "".join(character for character in stem if character.isprintable())
    stem = stem.encode("utf-8", errors="ignore")[:_LONGEST_NAME].decode("utf-8", errors="ignore")
    return f"{stem.strip(' .') or 'image'}{suffix}.tif"
