"""Routes of the model library."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apiflask import APIBlueprint
from flask import Response, request, url_for

from deepflash_service.errors import InputError
from deepflash_service.records import ModelCard
from deepflash_service.web import schemas
from deepflash_service.web.codec import read_body
from deepflash_service.web.context import find_context

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = APIBlueprint("models", __name__, url_prefix="/api/v1/models", tag="Models")


@blueprint.get("")
@blueprint.output(schemas.ModelList)
def list_all() -> dict[str, Any]:
    """Return the newest version of each model."""
    from deepflash_service.store import models

    found = models.list_models(find_context().home)
    return {"models": [cards[-1].model_dump(mode="json") for cards in found.values()]}


@blueprint.post("")
@blueprint.input(schemas.PackageUpload, location="query", arg_name="query")
@blueprint.output(ModelCard, status_code=201)
def import_model(query: schemas.PackageUpload) -> ResponseReturnValue:
    """Add a model package to the library; only its card and weights are read."""
    from deepflash_service.store.packages import import_package

    if request.mimetype not in {"application/zip", "application/octet-stream"}:
        raise InputError(
            "A model package is sent as the raw body with content type application/zip.",
            code="unsupported_media_type",
        )
    stored = import_package(find_context().home, read_body(), name=query.name)
    location = url_for("models.show_version", name=stored.card.name, version=stored.card.version)
    return stored.card.model_dump(mode="json"), 201, {"Location": location}


@blueprint.get("/<name>")
@blueprint.output(schemas.ModelDescription)
def show(name: str) -> dict[str, Any]:
    """Return all versions and the labels of a model."""
    return _describe(name)


def _describe(name: str) -> dict[str, Any]:
    from deepflash_service.store import models

    home = find_context().home
    models.find_model(home, _plain(name))
    cards = models.list_models(home)[name]
    return {
        "name": name,
        "versions": [card.model_dump(mode="json") for card in cards],
        "labels": models.list_labels(home, name),
    }


@blueprint.post("/<name>/rename")
@blueprint.input(schemas.NewName, arg_name="wanted")
@blueprint.output(schemas.ModelDescription)
def rename(name: str, wanted: schemas.NewName) -> dict[str, Any]:
    """Give all versions of a model another name; numbers and labels stay."""
    from deepflash_service.store.model_renaming import rename_model

    rename_model(find_context().home, _plain(name), new_name=wanted.name)
    return _describe(wanted.name)


@blueprint.delete("/<name>")
@blueprint.output({}, status_code=204)
def delete(name: str) -> ResponseReturnValue:
    """Move all versions of a model to the trash."""
    from deepflash_service.store.model_trash import remove_model

    remove_model(find_context().home, _plain(name))
    return "", 204


@blueprint.get("/<name>/versions/<int:version>")
@blueprint.output(ModelCard)
def show_version(name: str, version: int) -> dict[str, Any]:
    """Return the card of one version."""
    from deepflash_service.store import models

    stored = models.find_model(find_context().home, f"{_plain(name)}@{version}")
    return stored.card.model_dump(mode="json")


@blueprint.delete("/<name>/versions/<int:version>")
@blueprint.output({}, status_code=204)
def delete_version(name: str, version: int) -> ResponseReturnValue:
    """Move one version to the trash."""
    from deepflash_service.store.model_trash import remove_model

    remove_model(find_context().home, f"{_plain(name)}@{version}")
    return "", 204


@blueprint.get("/<name>/package")
@blueprint.input(schemas.PackageQuery, location="query", arg_name="query")
def get_package(name: str, query: schemas.PackageQuery) -> Response:
    """Return the newest version as a package."""
    return _send_package(_plain(name), query.format)


@blueprint.get("/<name>/versions/<int:version>/package")
@blueprint.input(schemas.PackageQuery, location="query", arg_name="query")
def get_version_package(name: str, version: int, query: schemas.PackageQuery) -> Response:
    """Return one version as a package."""
    return _send_package(f"{_plain(name)}@{version}", query.format)


@blueprint.put("/<name>/labels/<label>")
@blueprint.input(schemas.LabelTarget, arg_name="target")
@blueprint.output(schemas.LabelList)
def put_label(name: str, label: str, target: schemas.LabelTarget) -> dict[str, Any]:
    """Let a label point to a version."""
    return _set_label(name, label, version=target.version)


@blueprint.delete("/<name>/labels/<label>")
@blueprint.output(schemas.LabelList)
def delete_label(name: str, label: str) -> dict[str, Any]:
    """Remove a label."""
    return _set_label(name, label, version=None)


def _set_label(name: str, label: str, *, version: int | None) -> dict[str, Any]:
    from deepflash_service.store import models

    home = find_context().home
    models.set_label(home, _plain(name), label=label, version=version)
    return {"labels": models.list_labels(home, name)}


def _plain(name: str) -> str:
    """Return the name of a model; a reference with ``@`` is no name in an address."""
    from deepflash_service.store.names import check_name

    return check_name(name)


def _send_package(reference: str, kind: str) -> Response:
    from deepflash_service.store.packages import export_package

    if kind != "deepflash":
        raise InputError(
            f"This service cannot write the format {kind!r}. Use format=deepflash.",
            code="invalid_options",
        )
    with tempfile.TemporaryDirectory(prefix="package-") as folder:
        path = export_package(find_context().home, reference, output=Path(folder))
        headers = {"Content-Disposition": f'attachment; filename="{path.name}"'}
        return Response(path.read_bytes(), content_type="application/zip", headers=headers)
