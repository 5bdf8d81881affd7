"""What the routes take and answer, as records; the OpenAPI description is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from deepflash_service.records import JobKind, JobState, ModelCard, Record

Seconds = Annotated[float, Field(ge=0.0, le=60.0)]
JsonObject = dict[str, Any]


class Status(Record):
    """Whether the service lives or is ready."""

    status: Literal["live", "ready"]


class DeviceFacts(Record):
    """Where models run; engine and precision are null until one was loaded."""

    name: str
    kind: Literal["cpu", "gpu"]
    engine: str | None
    precision: str | None


class Limits(Record):
    """How much the service accepts."""

    body_bytes: int
    image_pixels: int


class JobCounts(Record):
    """How many jobs wait and run."""

    queued: int
    running: int


class Info(Record):
    """What a client may want to know before it starts."""

    service: Literal["deepflash"] = "deepflash"
    version: str
    api: int
    pid: int
    device: DeviceFacts
    limits: Limits
    free_disk_bytes: int
    models: int
    jobs: JobCounts
    software: dict[str, str]


class JobError(Record):
    """Why a job failed."""

    code: str
    message: str
    details: JsonObject


class Job(Record):
    """One job; ``results`` are names for ``/jobs/{id}/results/{file}``, none before its end."""

    id: str
    kind: JobKind
    state: JobState
    message: str
    current: int
    maximum: int
    model: str | None
    results: list[str]
    error: JobError | None
    created: str
    finished: str | None


class JobList(Record):
    """Jobs, newest first."""

    jobs: list[Job]


class JobEvent(Record):
    """One step of a job."""

    seq: int
    time: str
    state: JobState
    message: str
    current: int
    maximum: int
    metrics: dict[str, float]


class EventPage(Record):
    """The events after a cursor, and the next cursor."""

    events: list[JobEvent]
    next: int
    state: JobState


class DatasetName(Record):
    """Request for a new data set."""

    name: Annotated[str, Field(min_length=1, max_length=200)]


class DatasetEntry(Record):
    """A data set in a list."""

    id: str
    name: str
    created: str


class DatasetList(Record):
    """All data sets."""

    datasets: list[DatasetEntry]


class NewDataset(Record):
    """A data set that was just made."""

    id: str
    name: str
    images: list[str]
    experts: list[str]


class Pair(Record):
    """An image and the experts who annotated it."""

    image: str
    experts: list[str]


class PairVerdict(Record):
    """What is to say about one annotation of one image; scores are those of all its experts."""

    image: str
    expert: str
    file: str
    verdict: str
    advice: str
    rois: int | None
    f1: float | None
    jaccard: float | None


class ExpertComparison(Record):
    """How well two experts agree: means over the images that both annotated."""

    a: str
    b: str
    images: int
    pixel_jaccard: float | None
    dice: float | None
    roi_jaccard: float | None
    f1: float | None
    kappa: float | None


class PairList(Record):
    """All pairs, and what is wrong with the rest.

    Verdicts, and the comparison of every two experts, only where they were asked for.
    """

    pairs: list[Pair]
    warnings: list[str]
    verdicts: list[PairVerdict] = Field(default_factory=list)
    pairwise: list[ExpertComparison] = Field(default_factory=list)


class PairsQuery(Record):
    """Whether every image and expert is judged too, and every two experts compared."""

    verdicts: bool = False


class DatasetDescription(Record):
    """What a data set holds."""

    id: str
    name: str
    images: list[str]
    experts: list[str]
    pairs: list[Pair]
    warnings: list[str]


class StoredImage(Record):
    """Receipt of an image."""

    name: str
    shape: list[int]
    sha256: str


class StoredAnnotation(Record):
    """Receipt of an annotation."""

    name: str
    rois: int


class ModelList(Record):
    """The newest version of each model."""

    models: list[ModelCard]


class ModelDescription(Record):
    """All versions of one model, and its labels."""

    name: str
    versions: list[ModelCard]
    labels: dict[str, int]


class NewName(Record):
    """Request for another name of a model."""

    name: Annotated[str, Field(min_length=1, max_length=200)]


class LabelTarget(Record):
    """Version that a label shall point to."""

    version: Annotated[int, Field(ge=1)]


class LabelList(Record):
    """Labels of a model."""

    labels: dict[str, int]


class LoginCode(Record):
    """One-time code of the login page."""

    code: Annotated[str, Field(min_length=1, max_length=200)]


class LoginLink(Record):
    """Link that opens the dashboard once."""

    url: str


class WaitQuery(Record):
    """How long a request for a new job may wait for its end, in seconds."""

    wait: Seconds = 0.0


class ListQuery(Record):
    """How many jobs to list."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class EventQuery(Record):
    """Cursor of the events."""

    after: Annotated[int, Field(ge=0)] = 0


class AgreementQuery(Record):
    """How annotations are compared."""

    min_roi_size: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    iou: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5


class ConsensusQuery(Record):
    """How annotations become one."""

    method: Literal["auto", "staple", "majority", "union", "intersection", "objects"] = "staple"


class PackageQuery(Record):
    """Format of an exported model."""

    format: Literal["deepflash", "bioimageio"] = "deepflash"


class PackageUpload(Record):
    """Name for an imported model; default is the name in the package."""

    name: str | None = None
