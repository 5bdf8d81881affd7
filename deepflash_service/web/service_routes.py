"""Routes about the service itself: live, ready, info, schemas."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from apiflask import APIBlueprint

from deepflash_service import API_VERSION, __version__
from deepflash_service.errors import ConflictError, NotFoundError
from deepflash_service.records import EvaluateOptions, Record, SegmentOptions, TrainOptions
from deepflash_service.store.computer import find_cpu_name
from deepflash_service.store.disk import free_bytes
from deepflash_service.web import schemas
from deepflash_service.web.context import find_context

if TYPE_CHECKING:
    from deepflash_service.web.context import ServiceContext

blueprint = APIBlueprint("service", __name__, url_prefix="/api/v1", tag="Service")

_OPTIONS: dict[str, type[Record]] = {
    "segmentation": SegmentOptions,
    "evaluation": EvaluateOptions,
    "training": TrainOptions,
}


@blueprint.get("/live")
@blueprint.output(schemas.Status)
def show_live() -> dict[str, str]:
    """Say that the service lives; needs no token."""
    return {"status": "live"}


@blueprint.get("/ready")
@blueprint.output(schemas.Status)
def show_ready() -> dict[str, str]:
    """Say that jobs are taken, or answer 503."""
    if not find_context().supervisor.is_ready():
        raise ConflictError(
            "The service is still starting, or is ending. Ask again in a second.",
            code="not_ready",
        )
    return {"status": "ready"}


@blueprint.get("/info")
@blueprint.output(schemas.Info)
def show_info() -> dict[str, Any]:
    """Return versions, device, limits and counts."""
    return describe_service(find_context())


def describe_service(context: ServiceContext) -> dict[str, Any]:
    """Return what ``/info`` and the dashboard tell about the service."""
    from deepflash_service.store.models import list_models
    from deepflash_service.workflows.software import list_software

    return {
        "service": "deepflash",
        "version": __version__,
        "api": API_VERSION,
        "pid": os.getpid(),
        "device": _describe_device(context),
        "limits": {
            "body_bytes": context.settings.body_bytes,
            "image_pixels": context.settings.image_pixels,
        },
        "free_disk_bytes": free_bytes(context.home),
        "models": len(list_models(context.home)),
        "jobs": context.supervisor.count_jobs(),
        "software": list_software(),
    }


def _describe_device(context: ServiceContext) -> dict[str, Any]:
    device = context.supervisor.describe_device() or {}
    name = str(device.get("name") or find_cpu_name())
    is_gpu = any(word in name.lower() for word in ("gpu", "nvidia", "cuda", "geforce", "radeon"))
    return {
        "name": name,
        "kind": "gpu" if is_gpu else "cpu",
        "engine": device.get("engine"),
        "precision": device.get("precision"),
    }


@blueprint.get("/schemas/<kind>")
def show_schema(kind: str) -> dict[str, Any]:
    """Return the JSON schema of the options of a kind of job."""
    if kind not in _OPTIONS:
        raise NotFoundError(
            f"There are no options for {kind!r}. Kinds: {', '.join(_OPTIONS)}.",
            details={"kinds": list(_OPTIONS)},
        )
    return _OPTIONS[kind].model_json_schema()
