"""Another name for a model of the library."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from deepflash_service.errors import ConflictError
from deepflash_service.records import ModelCard
from deepflash_service.store.atomic import rename_folder, write_text
from deepflash_service.store.model_trash import move_to_trash
from deepflash_service.store.models import CARD, find_model, list_models, stage_model
from deepflash_service.store.names import check_name

if TYPE_CHECKING:
    from pathlib import Path


def rename_model(home: Path, name: str, *, new_name: str) -> list[ModelCard]:
    """Give all versions of a model another name; numbers and labels stay.

    The new folder is complete before the old one moves to the trash, so there is no moment
    without the model. A reference to the old name, as in a job that waits, is not followed; a
    version that a training publishes meanwhile stays in the library under the old name.

    Parameters
    ----------
    home : Path
        Home folder.
    name, new_name : str
        Names without a version.

    Returns
    -------
    list of ModelCard
        The cards with the new name, by rising version.

    Raises
    ------
    NotFoundError
        Code ``unknown_model``.
    InputError
        Code ``invalid_name``.
    ConflictError
        Code ``model_exists`` when the new name is taken.
    """
    check_name(new_name)
    find_model(home, check_name(name))
    source, target = (home / "models" / one for one in (name, new_name))
    with stage_model(home) as stage:
        folder = stage / "model"
        shutil.copytree(source, folder)
        copied = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
        for path in folder.glob(f"*/{CARD}"):
            card = ModelCard.from_json(path.read_text(encoding="utf-8"))
            renamed = card.model_copy(update={"name": new_name})
            write_text(path, renamed.to_json() + "\n")
        try:
            rename_folder(folder, target)
        except FileExistsError as error:
            raise ConflictError(
                f"There is a model {new_name!r} already. Choose another name.",
                code="model_exists",
                details={"model": new_name},
            ) from error
    move_to_trash(home, name, copied)
    return list_models(home)[new_name]
