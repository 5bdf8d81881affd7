"""Routes of data sets: images, annotations, pairs, agreement, consensus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from apiflask import APIBlueprint
from flask import Response, url_for

from deepflash_service.web import schemas
from deepflash_service.web.codec import read_body, send_path
from deepflash_service.web.context import find_context

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = APIBlueprint("datasets", __name__, url_prefix="/api/v1/datasets", tag="Data sets")


@blueprint.get("")
@blueprint.output(schemas.DatasetList)
def list_all() -> dict[str, Any]:
    """Return all data sets."""
    from deepflash_service.store import datasets

    found = datasets.list_datasets(find_context().home)
    entries = [{"id": one.id, "name": one.name, "created": one.created} for one in found]
    return {"datasets": entries}


@blueprint.post("")
@blueprint.input(schemas.DatasetName, arg_name="wanted")
@blueprint.output(schemas.NewDataset, status_code=201)
def create(wanted: schemas.DatasetName) -> ResponseReturnValue:
    """Make an empty data set."""
    from deepflash_service.store import datasets

    dataset_id = datasets.create_dataset(find_context().home, wanted.name)
    body = {"id": dataset_id, "name": wanted.name, "images": [], "experts": []}
    return body, 201, {"Location": url_for("datasets.show", dataset_id=dataset_id)}


@blueprint.get("/<dataset_id>")
@blueprint.output(schemas.DatasetDescription)
def show(dataset_id: str) -> dict[str, Any]:
    """Return what a data set holds."""
    from deepflash_service.store import datasets

    facts = datasets.open_dataset(find_context().home, dataset_id).to_json()
    return {key: facts[key] for key in schemas.DatasetDescription.model_fields}


@blueprint.delete("/<dataset_id>")
@blueprint.output({}, status_code=204)
def delete(dataset_id: str) -> ResponseReturnValue:
    """Move a data set to the trash."""
    from deepflash_service.store import datasets

    datasets.delete_dataset(find_context().home, dataset_id)
    return "", 204


@blueprint.put("/<dataset_id>/images/<name>")
@blueprint.output(schemas.StoredImage, status_code=201)
def put_image(dataset_id: str, name: str) -> ResponseReturnValue:
    """Store an image; the body is the raw file."""
    from deepflash_service.store import datasets

    context = find_context()
    data = read_body()
    with context.decoders:
        stored = datasets.put_image(context.home, dataset_id, name=name, data=data)
    return {"name": stored.name, "shape": list(stored.shape), "sha256": stored.sha256}, 201


@blueprint.get("/<dataset_id>/images/<name>")
def get_image(dataset_id: str, name: str) -> Response:
    """Return an image as it was sent."""
    from deepflash_service.store import datasets

    return send_path(datasets.read_file(find_context().home, dataset_id, name=name))


@blueprint.delete("/<dataset_id>/images/<name>")
@blueprint.output({}, status_code=204)
def delete_image(dataset_id: str, name: str) -> ResponseReturnValue:
    """Remove an image."""
    from deepflash_service.store import datasets

    datasets.delete_image(find_context().home, dataset_id, name=name)
    return "", 204


@blueprint.put("/<dataset_id>/annotations/<expert>/<name>")
@blueprint.output(schemas.StoredAnnotation, status_code=201)
def put_annotation(dataset_id: str, expert: str, name: str) -> ResponseReturnValue:
    """Store an expert's annotation; the body is a mask, label image, ROI or ROI set."""
    from deepflash_service.store import datasets

    context = find_context()
    data = read_body()
    with context.decoders:
        stored = datasets.put_annotation(
            context.home, dataset_id, expert=expert, name=name, data=data
        )
    return {"name": stored.name, "rois": int(stored.rois)}, 201


@blueprint.get("/<dataset_id>/annotations/<expert>/<name>")
def get_annotation(dataset_id: str, expert: str, name: str) -> Response:
    """Return an annotation as it was sent."""
    from deepflash_service.store import datasets

    home = find_context().home
    return send_path(datasets.read_file(home, dataset_id, name=name, expert=expert))


@blueprint.delete("/<dataset_id>/annotations/<expert>/<name>")
@blueprint.output({}, status_code=204)
def delete_annotation(dataset_id: str, expert: str, name: str) -> ResponseReturnValue:
    """Remove an annotation."""
    from deepflash_service.store import datasets

    datasets.delete_annotation(find_context().home, dataset_id, expert=expert, name=name)
    return "", 204


@blueprint.get("/<dataset_id>/pairs")
@blueprint.input(schemas.PairsQuery, location="query", arg_name="query")
@blueprint.output(schemas.PairList)
def show_pairs(dataset_id: str, query: schemas.PairsQuery) -> dict[str, Any]:
    """Return which annotations belong to which image, and what is wrong with the rest."""
    from deepflash_service.workflows.pair_report import check_pairs

    context = find_context()
    with context.decoders:
        return check_pairs(context.home, dataset_id, with_verdicts=query.verdicts)


@blueprint.get("/<dataset_id>/agreement")
@blueprint.input(schemas.AgreementQuery, location="query", arg_name="query")
def show_agreement(dataset_id: str, query: schemas.AgreementQuery) -> dict[str, Any]:
    """Return how well the experts agree (the JSON of ``deepflash agreement --json``)."""
    from deepflash_service.workflows.agree import AgreementOptions, agree_dataset

    context = find_context()
    options = replace(AgreementOptions(), min_roi_size=query.min_roi_size, iou=query.iou)
    with context.decoders:
        return agree_dataset(context.home, dataset_id, options=options)


@blueprint.get("/<dataset_id>/consensus/<name>")
@blueprint.input(schemas.ConsensusQuery, location="query", arg_name="query")
def show_consensus(dataset_id: str, name: str, query: schemas.ConsensusQuery) -> Response:
    """Return the consensus mask of an image, 8-bit TIFF with 0 and 255."""
    from deepflash_service.workflows.agree import make_consensus

    context = find_context()
    with context.decoders:
        data = make_consensus(context.home, dataset_id, name=name, method=query.method)
    return Response(data, content_type="image/tiff")
