"""Images of another pixel size than those of a training: what is done, and what the user reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepflash_service.core.scaling import SAME_SCALE, Scale, compare_scales, measure_pixel
from deepflash_service.records import Calibration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepflash_service.records import SegmentOptions, TrainOptions
    from deepflash_service.workflows.prediction import LoadedModel

_FAR = 2.0
_FEWEST_ROIS = 3
_REMEDY = "Tell the size of a pixel: option pixel size, or Image > Properties in Fiji."


@dataclass(frozen=True, slots=True)
class ScaledModel:
    """A model that is to be used on images of one pixel size.

    Attributes
    ----------
    model : LoadedModel
        Scales what it is shown, and returns maps of the size of the image.
    scale : Scale
        By how much.
    notes : tuple of str
        Sentences for the user.
    """

    model: LoadedModel
    scale: Scale = SAME_SCALE
    notes: tuple[str, ...] = ()

    def convert_area(self, area: int) -> int:
        """Return an area in pixels of the training as area in pixels of the image."""
        return area if self.scale == SAME_SCALE else round(area / self.scale.area)

    def convert_length(self, length: float) -> float:
        """Return a length in pixels of the training as length in pixels of the image."""
        return length if self.scale == SAME_SCALE else length / float(self.scale.area**0.5)


def choose_calibration(found: Calibration, options: SegmentOptions | TrainOptions) -> Calibration:
    """Return the pixel size of an image: what the user says, or what the file tells."""
    size = options.pixel_size
    if size is None:
        return found
    return Calibration(pixel_width=size, pixel_height=size, unit="µm")


def scale_model(model: LoadedModel, calibration: Calibration) -> ScaledModel:
    """Make a model fit images of a pixel size.

    Within 10 percent nothing is done, as cells differ more. Where image or model tell no length,
    nothing can be done.

    Parameters
    ----------
    model : LoadedModel
        Its card tells the pixel size of the training.
    calibration : Calibration
        Pixel size of the image.
    """
    trained = model.card.calibration
    scale = compare_scales(calibration, trained)
    if scale is None or scale.is_close or model.rescale is None:
        return ScaledModel(model)
    sizes = f"its pixels are {describe_pixel(calibration)}, those of the training "
    sizes += describe_pixel(trained)
    if scale.is_absurd:
        note = f"not rescaled, although {sizes}: one of the two cannot be right. {_REMEDY}"
        return ScaledModel(model, notes=(note,))
    note = f"rescaled for the prediction by {_describe_factors(scale)}: {sizes}."
    if scale.largest_factor > _FAR:
        note += " This is far from what the model was trained on: check the result."
    return ScaledModel(model.rescale(scale), scale, (note,))


def compare_diameters(
    found: float, count: int, *, model: LoadedModel, calibration: Calibration
) -> str:
    """Return a warning when ROIs are much larger or smaller than those of the training, or "".

    Only where pixel sizes could not be compared, or cannot be right, and from three ROIs.

    Parameters
    ----------
    found : float
        Median diameter of the ROIs of an image in pixels.
    count : int
        How many they are.
    model : LoadedModel
        Its card tells the median diameter of the ROIs of the training.
    calibration : Calibration
        Pixel size of the image.
    """
    card = model.card
    trained = card.roi_diameter
    scale = compare_scales(calibration, card.calibration)
    is_known = scale is not None and not scale.is_absurd
    if count < _FEWEST_ROIS or not trained or is_known:
        return ""
    if trained / _FAR <= found <= _FAR * trained:
        return ""
    if measure_pixel(card.calibration) is None:
        remedy = f"Scale the image so that its ROIs have about {trained:.0f} pixels (Image > Scale)"
        remedy += ", or choose another model."
    else:
        remedy = _REMEDY
    return (
        f"the ROIs have a median diameter of {found:.1f} pixels, those of the training "
        f"{trained:.1f}: the image seems to be of another scale, so check the result. {remedy}"
    )


def list_differences(images: Mapping[str, Calibration], base: Calibration | None) -> list[str]:
    """Return warnings about pixel sizes among the images of a training, and of its base model.

    Parameters
    ----------
    images : mapping of str to Calibration
        Pixel size of each image by its name.
    base : Calibration or None
        Pixel size that the base model was trained on.
    """
    name, usual = find_usual(images)
    warnings = []
    others = [other for other, one in images.items() if _differ(one, usual)]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        warnings.append(
            f"The images differ in pixel size: {name} has {describe_pixel(usual)}, {others[0]}"
            f"{more} {describe_pixel(images[others[0]])}. They are learnt as they are, and new "
            f"images are brought to {describe_pixel(usual)}. Rescale the others (Image > Scale), "
            "or leave them out."
        )
    if base is not None and _differ(usual, base):
        warnings.append(
            f"The base model was trained on pixels of {describe_pixel(base)}, these images have "
            f"{describe_pixel(usual)}. It is fine-tuned on them as they are; rescale them (Image > "
            "Scale) or train a new model if the scores are poor."
        )
    return warnings


def find_usual(images: Mapping[str, Calibration]) -> tuple[str, Calibration]:
    """Return the first image that tells a pixel size, and that size; none: ``Calibration()``."""
    for name, calibration in images.items():
        if measure_pixel(calibration) is not None:
            return name, calibration
    return "", next(iter(images.values()), Calibration())


def describe_pixel(calibration: Calibration) -> str:
    """Return the size of a pixel for people, as ``0.62 µm`` or ``0.62 x 0.31 µm`` (width first)."""
    width, height = calibration.pixel_width, calibration.pixel_height
    size = f"{width:.3g}" if abs(width - height) <= 0.01 * width else f"{width:.3g} x {height:.3g}"
    return f"{size} {calibration.unit}"


def _differ(one: Calibration, other: Calibration) -> bool:
    scale = compare_scales(one, other)
    return scale is not None and not scale.is_close


def _describe_factors(scale: Scale) -> str:
    if abs(scale.rows - scale.columns) <= 0.01 * scale.rows:
        return f"{scale.columns:.2g}"
    return f"{scale.columns:.2g} (width) and {scale.rows:.2g} (height)"
