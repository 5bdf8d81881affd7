"""Frozen records, options, seams and array aliases shared by all floors.

Arrays are indexed (row, column). In-process values are frozen dataclasses; whatever is
written to disk or travels over HTTP is a frozen :class:`Record`, so that the request, the
job folder and the model card hold the same JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deepflash_service.errors import InputError, describe_fault

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.float32]
    Mask = npt.NDArray[np.bool_]
    LabelImage = npt.NDArray[np.int32]
    ProbabilityMap = npt.NDArray[np.float32]
else:
    Image = Mask = LabelImage = ProbabilityMap = Any

Predictor = Callable[["Image"], "ProbabilityMap"]
"""Seam: one whole image of shape (M, N) or (M, N, C) in, its probability map (M, N) out."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: ``current`` of ``maximum`` (0 = unknown), with a sentence."""

    message: str
    current: int = 0
    maximum: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


Report = Callable[[Progress], None]
IsCancelled = Callable[[], bool]

JobState = Literal[
    "queued", "running", "stopping", "done", "stopped", "cancelled", "failed", "interrupted"
]
FINAL_STATES: frozenset[JobState] = frozenset({"done", "stopped", "cancelled", "failed"})
ENDED_STATES: frozenset[JobState] = FINAL_STATES | {"interrupted"}
"""States in which a job does not go on by itself."""
JobKind = Literal["training", "segmentation", "evaluation"]
ConsensusMethod = Literal["auto", "staple", "majority", "union", "intersection", "objects", "each"]
Preset = Literal["quick", "standard", "best"]
LabelVariant = Literal["standard", "original"]
Normalisation = Literal["batch", "group", "none"]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
PixelCount = Annotated[int, Field(ge=0, le=10_000_000)]
Channel = Annotated[int, Field(ge=1, description="which one is looked at, from 1")]
PixelSize = Annotated[
    float,
    Field(gt=0.0, le=10_000.0, description="micrometres, in place of what the image tells"),
]
_NECK = "neck in pixels at which touching ROIs part; 0 = never, empty = as the model"
Separation = Annotated[float, Field(ge=0.0, le=1_000.0, description=_NECK)]
MOST_MEMBERS = 20


class Record(BaseModel):
    """A frozen value that survives JSON unchanged; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    @classmethod
    def from_json(cls, data: str | bytes | dict[str, Any]) -> Self:
        """Build the record from JSON text or an already parsed object.

        Raises
        ------
        InputError
            Code ``invalid_options``; names every wrong field.
        """
        try:
            if isinstance(data, dict):
                return cls.model_validate(data)
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise _explain(cls, error) from None

    def to_json(self) -> str:
        """Return the record as indented JSON text."""
        return self.model_dump_json(indent=2)


def _explain(record: type[Record], error: ValidationError) -> InputError:
    found = error.errors(include_url=False)
    faults = [describe_fault(one, known=record.model_fields) for one in found]
    text = "; ".join(f"{fault['field']}: {fault['fault']}" for fault in faults)
    return InputError(
        f"{record.__name__} cannot be used: {text}. Correct the named fields.",
        code="invalid_options",
        details={"faults": faults},
    )


class Calibration(Record):
    """Size of a pixel in ``unit`` (``pixel`` when the image is not calibrated)."""

    pixel_width: float = 1.0
    pixel_height: float = 1.0
    unit: str = "pixel"


class NetworkCard(Record):
    """Everything that defines the U-Net; the network is built from this and nothing else."""

    channels: Annotated[int, Field(ge=1, le=16)] = 1
    filters: Annotated[int, Field(ge=4, le=128)] = 16
    depth: Annotated[int, Field(ge=1, le=6)] = 4
    normalisation: Normalisation = "batch"


class SegmentOptions(Record):
    """What the user chooses for a segmentation; ``None`` = the value of the model card.

    ``dataset`` names a data set whose images are segmented in place of uploaded files;
    ``pixel_size``, in micrometres, overrules the pixel size that the images tell. ``separation``
    is the depth of a neck, in pixels, at which touching ROIs are parted (0 = never).
    """

    model: str
    dataset: str | None = None
    threshold: Probability | None = None
    min_roi_size: PixelCount | None = None
    channel: Channel | None = None
    planes: Literal["all"] | Annotated[int, Field(ge=1)] = "all"
    pixel_size: PixelSize | None = None
    separation: Separation | None = None


class EvaluateOptions(Record):
    """How predictions are compared with a truth.

    ``dataset`` and ``model``, always together, ask for the scores of a model against the
    consensus of a data set in place of uploaded files. Of a model, ``None`` = the value of its
    card; ``pixel_size`` and ``separation`` mean what they mean in :class:`SegmentOptions`.
    """

    dataset: str | None = None
    model: str | None = None
    threshold: Probability | None = None
    min_roi_size: PixelCount | None = None
    iou: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    pixel_size: PixelSize | None = None
    separation: Separation | None = None


_EPOCHS = "empty = as the preset says; advice: 50 or more to go on from a base, 100 from new"
_PRESET = "quick takes minutes; standard and best half an hour and more without a graphics card"
_SMALLEST = "pixels; empty = found from the annotations"
_SEED = "start of the random numbers; another one gives a slightly different model"
_FOLDS = "parts of the images, one model without each; empty = as the preset says"


class TrainOptions(Record):
    """What the user chooses for a training; ``epochs`` ``None`` = the preset's number.

    ``folds`` overrules the preset: the images are divided into that many parts, and one member is
    trained without each. ``compare`` trains members from scratch beside fine-tuned ones, for the
    scores only. ``min_roi_size``: smaller annotations do not count; the minimum size of the
    model is chosen from there upwards (``None`` = of the smallest annotated ROIs). ``pixel_size``
    means what it means in :class:`SegmentOptions`; the model keeps it.
    """

    dataset: str
    model: Name
    base: str = "new"
    preset: Annotated[Preset, Field(description=_PRESET)] = "standard"
    epochs: Annotated[int, Field(ge=1, le=10_000, description=_EPOCHS)] | None = None
    folds: Annotated[int, Field(ge=2, le=MOST_MEMBERS, description=_FOLDS)] | None = None
    compare: Annotated[bool, Field(description="with a base: train from scratch too")] = False
    consensus: Annotated[
        ConsensusMethod,
        Field(description="target of several experts; of two, auto keeps what both marked"),
    ] = "auto"
    min_roi_size: Annotated[PixelCount, Field(description=_SMALLEST)] | None = None
    channel: Channel | None = None
    pixel_size: PixelSize | None = None
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description=_SEED)] = 0


class RoiScores(Record):
    """Agreement of a prediction with a truth; formulas in docs/glossary.md."""

    pixel_jaccard: float
    dice: float
    roi_jaccard: float
    precision: float
    recall: float
    f1: float
    matched: int
    predicted: int
    expected: int


class Forecast(Record):
    """What a training learnt of how good its model will be on a new image.

    The expected F1 of an image is linear in ``traits`` of its prediction (docs/glossary.md);
    ``coefficients`` begin with the constant. ``covariance`` (relative to ``spread`` squared) and
    ``freedom`` give the range. ``limits``: lowest and highest value of each trait of images that
    are like those of the training. ``images``: on how many held-out images all this rests.
    """

    images: Annotated[int, Field(ge=0)]
    traits: list[str]
    coefficients: list[float]
    covariance: list[list[float]]
    spread: Annotated[float, Field(gt=0.0)]
    freedom: Annotated[float, Field(gt=0.0)]
    limits: dict[str, tuple[float, float]] = {}

    @model_validator(mode="after")
    def check_sizes(self) -> Self:
        """Refuse coefficients that do not belong to the traits."""
        size = len(self.traits) + 1
        if [len(row) for row in (self.coefficients, *self.covariance)] != [size] * (size + 1):
            raise ValueError("coefficients and covariance do not fit the traits")
        return self


class Ancestor(Record):
    """A model from which another one descends by fine-tuning, and what it has learnt from.

    ``images``: SHA-256 of each image file by its name, "" where only the name is known.
    """

    model: str
    images: dict[str, str] = {}


class ModelCard(Record):
    """Description of one model version (``model.json`` beside the weights).

    ``min_roi_size`` is for what the model finds, ``smallest_annotated`` for the truth with which
    it is compared, and for parts of touching ROIs (``None`` in old cards: the same); both are areas
    in pixels of the training. ``start``: weights with which the first training of a new model
    began. ``ending``: why the training took fewer epochs than planned. ``separation``: see
    :class:`SegmentOptions`; 0 also where held-out images are better off without.
    """

    format: Literal[1] = 1
    name: Name
    version: Annotated[int, Field(ge=1)] = 1
    network: NetworkCard = NetworkCard()
    members: Annotated[int, Field(ge=1, le=MOST_MEMBERS)] = 1
    target: str = "roi"
    threshold: Probability = 0.5
    min_roi_size: PixelCount = 0
    smallest_annotated: PixelCount | None = None
    separation: Annotated[float, Field(ge=0.0)] = 0.0
    intensity_range: Annotated[float, Field(ge=0.0)] = 0.0
    calibration: Calibration = Calibration()
    roi_diameter: Annotated[float, Field(ge=0.0)] = 0.0
    base: str = "new"
    start: str = ""
    ancestors: list[Ancestor] = []
    options: TrainOptions | None = None
    created: str = ""
    job: str = ""
    training_images: list[str] = []
    held_out_images: list[str] = []
    experts: list[str] = []
    consensus: str = ""
    folds: Annotated[int, Field(ge=0)] = 0
    data_sha256: dict[str, str] = {}
    scores: RoiScores | None = None
    image_scores: dict[str, RoiScores] = {}
    expert_scores: dict[str, RoiScores] = {}
    comparison: dict[str, RoiScores] = {}
    advice: str = ""
    ending: str = ""
    forecast: Forecast | None = None
    seconds: float = 0.0
    device: str = ""
    software: dict[str, str] = {}
    weights_sha256: list[str] = []
    author: str = ""
    licence: str = ""
    source: str = ""
    notes: str = ""
    warnings: list[str] = []

    @property
    def annotated_size(self) -> int:
        """Area in pixels of the training from which annotated ROIs count, in old cards too."""
        return self.min_roi_size if self.smallest_annotated is None else self.smallest_annotated
