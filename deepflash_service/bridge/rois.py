"""ROIs in Python, without Java: label images, ``.roi`` bytes, ROI sets, GeoJSON.

What is imported from :mod:`deepflash_service.core` is offered here under the same names. The
two functions with paths at the end exist because a script needs them and this package does not
reach the floor that keeps the product's own files; they touch no home folder.
"""

from __future__ import annotations

import io
import os
import struct
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.core.geojson import labels_to_geojson
from deepflash_service.core.geojson_shapes import geojson_to_labels, geojson_to_rois
from deepflash_service.core.rois import labels_to_rois, rois_to_labels
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Corners = npt.NDArray[np.float64]
else:
    Corners = Any

__all__ = [
    "geojson_to_labels",
    "geojson_to_rois",
    "labels_to_geojson",
    "labels_to_rois",
    "pack_rois",
    "read_outlines",
    "read_roi_name",
    "read_roi_zip",
    "rois_to_labels",
    "unpack_rois",
    "write_roi_zip",
]

_MAGIC: Final = b"Iout"
_LARGEST_SET: Final = 512 * 1024**2
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_HEADER2: Final = 60
_NAME_FIELDS: Final = 16


def unpack_rois(data: bytes) -> list[bytes]:
    """Return the ROIs of a ROI set (``.zip``) or of a single ``.roi`` file, in their order.

    Raises
    ------
    InputError
        Code ``invalid_roi``: neither of both, damaged, or larger than 512 MiB unpacked.
    """
    if data[:4] == _MAGIC:
        return [data]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [e for e in archive.infolist() if e.filename.lower().endswith(".roi")]
            if sum(entry.file_size for entry in entries) > _LARGEST_SET:
                raise InputError(
                    "This ROI set is larger than 512 MiB unpacked. Split it.", code="invalid_roi"
                )
            rois = [archive.read(entry) for entry in entries]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise InputError(
            f"This is no ROI set of ImageJ ({error}). Save it again from the ROI Manager.",
            code="invalid_roi",
        ) from None
    if any(roi[:4] != _MAGIC for roi in rois):
        raise InputError(
            "An entry of this ROI set is no ImageJ ROI. Save it again from the ROI Manager.",
            code="invalid_roi",
        )
    return rois


def pack_rois(rois: Sequence[bytes]) -> bytes:
    """Return a ROI set (zip, stored: ROIs are short) as the ROI Manager opens it.

    Entries are named after the ROIs; a name that occurs again gets a number, since ImageJ
    would mix up the order otherwise. The same ROIs give the same bytes.
    """
    file = io.BytesIO()
    used: set[str] = set()
    with zipfile.ZipFile(file, "w") as archive:
        for number, roi in enumerate(rois, 1):
            name = read_roi_name(roi).replace("/", "_").replace("\\", "_")
            name = name or f"roi-{number:04d}"
            if name in used:
                name = f"{name}-{number}"
            used.add(name)
            archive.writestr(zipfile.ZipInfo(f"{name}.roi", date_time=_EPOCH), roi)
    return file.getvalue()


def read_roi_name(roi: bytes) -> str:
    """Return the name that is written in an ImageJ ROI; empty when there is none."""
    try:
        (header2,) = struct.unpack_from(">i", roi, _HEADER2)
        offset, length = struct.unpack_from(">ii", roi, header2 + _NAME_FIELDS)
    except struct.error:
        return ""
    is_inside = header2 > 0 and offset > 0 and 0 < length <= (len(roi) - offset) // 2
    text = roi[offset : offset + 2 * length] if is_inside else b""
    return text.decode("utf-16-be", errors="replace")


def read_roi_zip(path: Path | str) -> list[bytes]:
    """Return the ROIs of a ``.zip`` or ``.roi`` file.

    Raises
    ------
    InputError
        Code ``invalid_roi``; also when the file cannot be read.
    """
    try:
        return unpack_rois(Path(path).read_bytes())
    except InputError as error:
        raise InputError(f"{path}: {error.message}", code=error.code) from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Check the path.", code="invalid_roi"
        ) from error


def write_roi_zip(path: Path | str, rois: Iterable[bytes]) -> None:
    """Write a ROI set; a file of that name is replaced as a whole."""
    write_whole(Path(path), pack_rois(list(rois)))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it to disk, and rename it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_outlines(roi: bytes) -> list[Corners]:
    """Return the corners of an ImageJ ROI that encloses an area.

    Parameters
    ----------
    roi : bytes
        Content of a ``.roi`` file; read as ImageJ does, without rounding.

    Returns
    -------
    list of ndarray of shape (N, 2), float64
        One closed loop of (row, column) corners for each part and each hole, in pixels from the
        upper left corner of the image.

    Raises
    ------
    InputError
        Code ``invalid_roi``: damaged bytes, or a point, line or text, which enclose no area.
    """
    from deepflash_service.core.roi_shapes import read_roi

    return [ring[:, ::-1].copy() for ring in read_roi(roi).rings]
