"""What the code cannot tell OpenAPI by itself: raw bodies, files, keys, problems."""

from __future__ import annotations

import json
from typing import Any

_BINARY = {"type": "string", "format": "binary"}
_FILE_ANSWERS: dict[tuple[str, str], tuple[str, ...]] = {
    ("/api/v1/datasets/{dataset_id}/images/{name}", "get"): ("image/tiff", "image/png"),
    ("/api/v1/datasets/{dataset_id}/annotations/{expert}/{name}", "get"): (
        "image/tiff",
        "image/png",
        "application/zip",
    ),
    ("/api/v1/datasets/{dataset_id}/consensus/{name}", "get"): ("image/tiff",),
    ("/api/v1/jobs/{job_id}/log", "get"): ("text/plain",),
    ("/api/v1/jobs/{job_id}/results/{file}", "get"): (
        "image/tiff",
        "application/zip",
        "application/geo+json",
        "image/png",
        "text/csv",
        "application/json",
    ),
    ("/api/v1/models/{name}/package", "get"): ("application/zip",),
    ("/api/v1/models/{name}/versions/{version}/package", "get"): ("application/zip",),
}
_RAW_BODIES: dict[tuple[str, str], tuple[str, ...]] = {
    ("/api/v1/datasets/{dataset_id}/images/{name}", "put"): ("image/tiff", "image/png"),
    ("/api/v1/datasets/{dataset_id}/annotations/{expert}/{name}", "put"): (
        "image/tiff",
        "image/png",
        "application/zip",
        "application/octet-stream",
    ),
    ("/api/v1/models", "post"): ("application/zip",),
}
_MULTIPART: dict[str, tuple[str, tuple[str, ...]]] = {
    "/api/v1/segmentations": ("SegmentOptions", ("image",)),
    "/api/v1/evaluations": ("EvaluateOptions", ("prediction", "truth")),
    "/api/v1/trainings": ("TrainOptions", ()),
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "details"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable key; clients test this"},
        "detail": {"type": "string", "description": "what is wrong and what to do"},
        "details": {"type": "object"},
    },
}
_METHODS = frozenset({"get", "put", "post", "delete", "patch"})


def complete_description(spec: dict[str, Any]) -> dict[str, Any]:
    """Add bodies, files, keys and problems to the description made from the routes."""
    spec = _merge_nested(spec)
    from deepflash_service.records import EvaluateOptions, SegmentOptions, TrainOptions

    components = spec.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    shapes = components.setdefault("schemas", {})
    shapes["Problem"] = _PROBLEM
    for record in (EvaluateOptions, SegmentOptions, TrainOptions):
        shapes[record.__name__] = record.model_json_schema()
    spec["security"] = [{"token": []}]
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                _complete_operation(path, method, operation=operation)
    spec["paths"]["/api/v1/live"]["get"]["security"] = []
    return spec


def _merge_nested(spec: dict[str, Any]) -> dict[str, Any]:
    """Give a record that is nested in several others one name: ``JobList.Job`` is ``Job``."""
    text = json.dumps(spec)
    shapes = spec.get("components", {}).get("schemas", {})
    for name in shapes:
        text = text.replace(
            f'"#/components/schemas/{name}"', f'"#/components/schemas/{_last(name)}"'
        )
    merged: dict[str, Any] = json.loads(text)
    found = merged.get("components", {}).get("schemas", {})
    renamed = {_last(name): shape for name, shape in sorted(found.items(), reverse=True)}
    merged["components"]["schemas"] = dict(sorted(renamed.items()))
    return merged


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _complete_operation(path: str, method: str, *, operation: dict[str, Any]) -> None:
    operation["responses"] = {
        status: answer
        for status, answer in operation.get("responses", {}).items()
        if status.startswith("2")
    }
    operation["responses"]["default"] = {
        "description": "Problem",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    key = (path, method)
    if key in _FILE_ANSWERS:
        content = {kind: {"schema": _BINARY} for kind in _FILE_ANSWERS[key]}
        operation["responses"]["200"] = {"description": "The file", "content": content}
    if key in _RAW_BODIES:
        content = {kind: {"schema": _BINARY} for kind in _RAW_BODIES[key]}
        operation["requestBody"] = {"required": True, "content": content}
    if path in _MULTIPART:
        _describe_job_request(path, operation)


def _describe_job_request(path: str, operation: dict[str, Any]) -> None:
    name, parts = _MULTIPART[path]
    options = {"$ref": f"#/components/schemas/{name}"}
    properties: dict[str, Any] = {"options": options}
    properties |= {part: {"type": "array", "items": _BINARY, "minItems": 1} for part in parts}
    form = {
        "schema": {
            "type": "object",
            "required": ["options"],
            "properties": properties,
        },
        "encoding": {"options": {"contentType": "application/json"}},
    }
    content: dict[str, Any] = {
        "multipart/form-data": form,
        "application/json": {"schema": options},
    }
    operation["requestBody"] = {"required": True, "content": content}
    ended = dict(operation["responses"]["202"])
    operation["responses"]["200"] = {**ended, "description": "The job has ended in time"}
    operation["responses"]["202"] = {**ended, "description": "The job was accepted"}
