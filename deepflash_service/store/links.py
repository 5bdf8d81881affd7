"""Where the files of a data set lie: inside its folder, or where it links to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepflash_service.errors import InputError


def read_links(facts: dict[str, Any], folder: Path) -> tuple[Path, dict[str, Path]]:
    """Return the image folder and the folder of each expert.

    Raises
    ------
    InputError
        Code ``damaged_file`` when the description is damaged.
    """
    links = facts.get("links")
    if links is None:
        experts = (folder / "annotations").glob("*/")
        return folder / "images", {one.name: one for one in experts}
    try:
        masks = {str(expert): Path(one) for expert, one in links["masks"].items()}
        return Path(links["images"]), masks
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"The data set in {folder} is damaged; make it again.", code="damaged_file"
        ) from error
