"""ImageJ ROI sets as files: one ``.roi``, or a ZIP of them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deepflash_service.errors import InputError
from deepflash_service.store.atomic import open_atomic
from deepflash_service.store.sources import Source, refuse_damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

ZIP_FAULTS = (
    zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, OSError, ValueError,
)  # fmt: skip
"""What reading a damaged or foreign ZIP file may raise."""

_MAGIC = b"Iout"
_MOST_ROIS = 200_000
_MOST_BYTES = 512 * 1024 * 1024
_HEADER2_OFFSET = 60
_NAME_OFFSET = 16
_NAME_LENGTH = 20
_EPOCH = (1980, 1, 1, 0, 0, 0)


def read_rois(source: Path | bytes, *, name: str | None = None) -> list[bytes]:
    """Return the ROIs of a ``.roi`` or ``.zip`` file as ImageJ bytes, in file order.

    Parameters
    ----------
    source : Path or bytes
        The file or its bytes.
    name : str, optional
        Name for messages.

    Raises
    ------
    InputError
        Code ``invalid_annotation`` for damaged, foreign or far too large files.
    """
    origin = Source.of(source, name)
    data = origin.read()
    if data.startswith(_MAGIC):
        return [data]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [one for one in archive.infolist() if one.filename.lower().endswith(".roi")]
            _check_size(members, origin)
            rois = [archive.read(one) for one in members]
    except InputError:
        raise
    except ZIP_FAULTS as error:
        raise refuse_damaged(origin, error, code="invalid_annotation") from error
    if any(not roi.startswith(_MAGIC) for roi in rois):
        raise refuse_damaged(origin, ValueError("not an ImageJ ROI"), code="invalid_annotation")
    if not rois and data[:4] != b"PK\x05\x06":
        raise InputError(
            f"{origin.name} holds no ImageJ ROI (*.roi). Save the set with More > Save in the ROI "
            "Manager.",
            code="invalid_annotation",
            details={"name": origin.name},
        )
    return rois


def write_roi_zip(path: Path, rois: Sequence[bytes]) -> None:
    """Write ROIs as the ROI Manager does: one entry per ROI, called like the ROI.

    Entries are stored, not deflated: ROIs of cells are short, so time counts more than size.

    Parameters
    ----------
    path : Path
        The ``.zip`` file, replaced atomically.
    rois : sequence of bytes
        ImageJ ROI bytes with unique names.
    """
    with open_roi_zip(path) as add_roi:
        for roi in rois:
            add_roi(roi)


@contextmanager
def open_roi_zip(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that adds one ROI to a set; see :func:`write_roi_zip`.

    Parameters
    ----------
    path : Path
        The ``.zip`` file, replaced atomically when the block succeeds.
    """
    taken: dict[str, int] = {}
    with open_atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:

        def add_roi(roi: bytes) -> None:
            name = read_roi_name(roi) or f"roi-{len(archive.filelist) + 1:04d}"
            count = taken[name] = taken.get(name, 0) + 1
            name = name if count == 1 else f"{name}-{count}"
            archive.writestr(zipfile.ZipInfo(f"{name}.roi", _EPOCH), roi)

        yield add_roi


def read_roi_name(roi: bytes) -> str:
    """Return the name kept in ImageJ ROI bytes, or an empty text."""
    if len(roi) < _HEADER2_OFFSET + 4:
        return ""
    (header2,) = struct.unpack_from(">i", roi, _HEADER2_OFFSET)
    if not 0 < header2 <= len(roi) - _NAME_LENGTH - 4:
        return ""
    offset, length = struct.unpack_from(">ii", roi, header2 + _NAME_OFFSET)
    end = offset + 2 * length
    if offset <= 0 or length <= 0 or end > len(roi):
        return ""
    return roi[offset:end].decode("utf-16-be", errors="replace").replace("/", "_")


def _check_size(members: Sequence[zipfile.ZipInfo], source: Source) -> None:
    total = sum(one.file_size for one in members)
    if len(members) > _MOST_ROIS or total > _MOST_BYTES:
        raise InputError(
            f"{source.name} holds {len(members):,} ROIs of {total:,} bytes, more than is accepted. "
            "Split the set.",
            code="invalid_annotation",
            details={"name": source.name, "rois": len(members), "bytes": total},
        )
