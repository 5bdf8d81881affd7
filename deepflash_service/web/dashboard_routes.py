"""The dashboard: one page that shows the service, its jobs and its models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiflask import APIBlueprint
from flask import render_template

from deepflash_service.web.context import find_context
from deepflash_service.web.service_routes import describe_service

if TYPE_CHECKING:
    from deepflash_service.records import ModelCard

blueprint = APIBlueprint("dashboard", __name__, enable_openapi=False)

_MOST_JOBS = 50


@blueprint.get("/")
def show_dashboard() -> str:
    """Return the page; its script refreshes the jobs."""
    from deepflash_service.store.models import list_models

    context = find_context()
    models = list_models(context.home)
    return render_template(
        "dashboard.html",
        info=describe_service(context),
        home=str(context.home),
        models=[_describe_model(cards) for _, cards in sorted(models.items())],
        jobs=context.supervisor.list_jobs(limit=_MOST_JOBS),
    )


def _describe_model(cards: list[ModelCard]) -> dict[str, object]:
    newest = cards[-1]
    return {
        "name": newest.name,
        "version": newest.version,
        "versions": len(cards),
        "base": newest.base,
        "experts": len(newest.experts),
        "images": len(newest.training_images),
        "f1": newest.scores.f1 if newest.scores else None,
        "dice": newest.scores.dice if newest.scores else None,
        "created": newest.created[:10],
    }
