"""ROIs inside ImageJ: overlays, ROI Manager, TIFF files with overlay."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

from deepflash_service.bridge.images import check_image_plus
from deepflash_service.bridge.jvm import java_class
from deepflash_service.errors import InputError, SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def make_overlay(rois: Iterable[bytes]) -> Any:
    """Return ImageJ ROI bytes as an ``ij.gui.Overlay``, decoded by ImageJ itself.

    Raises
    ------
    InputError
        Code ``invalid_roi``: ImageJ does not understand one of them.
    """
    overlay = java_class("ij.gui.Overlay")()
    for roi in rois:
        overlay.add(_decode_roi(roi))
    return overlay


def read_overlay(source: Any) -> list[bytes]:
    """Return the ROIs of an ``ImagePlus`` (its overlay) or of an ``Overlay`` as bytes."""
    overlay = source
    if not hasattr(source, "toArray"):
        check_image_plus(source)
        overlay = source.getOverlay()
    if overlay is None:
        return []
    encode = java_class("ij.io.RoiEncoder").saveAsByteArray
    return [bytes(encode(roi)) for roi in overlay.toArray()]


def take_rois(rois: Any) -> list[bytes]:
    """Return ROIs as bytes: an ``Overlay``, or bytes or ``ij.gui.Roi``, one or a list of them.

    Raises
    ------
    InputError
        Code ``invalid_roi``: neither of these.
    """
    if hasattr(rois, "toArray"):
        return read_overlay(rois)
    encode = java_class("ij.io.RoiEncoder").saveAsByteArray
    found = []
    is_list = hasattr(rois, "__iter__") and not hasattr(rois, "getPolygon")
    for roi in rois if is_list and not isinstance(rois, bytes | str) else [rois]:
        if isinstance(roi, bytes):
            found.append(roi)
        elif hasattr(roi, "getPolygon"):
            found.append(bytes(encode(roi)))
        else:
            raise InputError(
                f"ROIs are bytes of .roi files or ij.gui.Roi, not {type(roi).__name__}. Make them "
                "of a label image with labels_to_rois(labels), or give [] for none.",
                code="invalid_roi",
            )
    return found


def read_roi_manager() -> list[bytes]:
    """Return the ROIs of the ROI Manager as bytes; none where it is not open."""
    if java_class("java.awt.GraphicsEnvironment").isHeadless():
        return []
    manager = java_class("ij.plugin.frame.RoiManager").getInstance()
    return [] if manager is None else take_rois(list(manager.getRoisAsArray()))


def fill_roi_manager(rois: Iterable[bytes]) -> Any:
    """Add ROI bytes to the ROI Manager, which is never cleared, and return it.

    Raises
    ------
    SetupError
        Code ``no_display``: ImageJ has no ROI Manager without a display.
    """
    if java_class("java.awt.GraphicsEnvironment").isHeadless():
        raise SetupError(
            "ImageJ has no ROI Manager without a display. Use set_overlay(image, rois), "
            "write_roi_zip(path, rois), or start with init(mode='interactive').",
            code="no_display",
        )
    manager = java_class("ij.plugin.frame.RoiManager").getRoiManager()
    for roi in rois:
        # -1 keeps the position in the stack and the name that the ROI brings along.
        manager.add(_decode_roi(roi), -1)
    return manager


def save_tiff(image: Any, target: Path) -> None:
    """Save an ``ij.ImagePlus`` with its overlay; a file of that name is replaced whole.

    Raises
    ------
    InputError
        Code ``not_saved``: the folder is missing, full or cannot be written; ``invalid_image``.
    """
    check_image_plus(image)
    try:
        folder = tempfile.mkdtemp(prefix=".", dir=target.parent)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written ({error.strerror}). Check the folder.",
            code="not_saved",
        ) from error
    temporary = target.parent / folder / target.name
    try:
        if not java_class("ij.io.FileSaver")(image).saveAsTiff(str(temporary)):
            raise InputError(
                f"ImageJ did not save {target}. Check space and permissions.", code="not_saved"
            )
        temporary.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _decode_roi(roi: bytes) -> Any:
    import jpype

    decoded = None
    if roi[:4] == b"Iout":
        with contextlib.suppress(jpype.JException):
            decoded = java_class("ij.io.RoiDecoder").openFromByteArray(roi)
    if decoded is None:
        raise InputError(
            "ImageJ does not understand one of the ROIs. Give the bytes of .roi files.",
            code="invalid_roi",
        )
    return decoded
