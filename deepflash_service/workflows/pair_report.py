"""What is to say about a data set before a training: pairs, faults, verdicts, agreement."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import InputError
from deepflash_service.store.datasets import open_dataset
from deepflash_service.workflows.agree import AgreementOptions, agree_pairs
from deepflash_service.workflows.pairs import check_each_pair, merge_identical
from deepflash_service.workflows.verdicts import judge_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deepflash_service.workflows.pairs import AnnotatedImage


def check_pairs(home: Path, dataset_id: str, *, with_verdicts: bool = False) -> dict[str, Any]:
    """Read all pairs of a data set and tell what fits, and every fault of the rest.

    Parameters
    ----------
    home : Path
        Home folder.
    dataset_id : str
        Which data set.
    with_verdicts : bool, optional
        Judge every image and expert too, and compare every two experts over all images.

    Returns
    -------
    dict
        ``{"pairs": [{"image", "experts"}], "warnings": [...], "verdicts": [...],
        "pairwise": [...]}``; verdicts as of
        :func:`deepflash_service.workflows.verdicts.judge_pairs`, pairwise as of
        :func:`deepflash_service.workflows.agree.agree_dataset`, empty where no image has two
        experts.

    Raises
    ------
    NotFoundError
        Code ``unknown_dataset``.
    """
    dataset = open_dataset(home, dataset_id)
    found, faults = check_each_pair(dataset)
    pairs, notes = merge_identical(found)
    warnings = [*dataset.warnings, *(fault.describe() for fault in faults), *notes]
    for pair in pairs:
        empty = sorted(expert for expert, one in pair.annotations.items() if not one.any())
        if empty:
            warnings.append(f"{pair.name}: {', '.join(empty)} marked nothing; check that.")
    verdicts = judge_pairs(dataset, found, faults) if with_verdicts else []
    pairwise = _compare_experts(pairs, warnings) if with_verdicts else []
    return {
        "pairs": [{"image": pair.name, "experts": sorted(pair.annotations)} for pair in pairs],
        "warnings": warnings,
        "verdicts": [asdict(one) for one in verdicts],
        "pairwise": pairwise,
    }


def _compare_experts(pairs: Sequence[AnnotatedImage], warnings: list[str]) -> list[dict[str, Any]]:
    """Return the scores of every two experts; why there are none is added to the warnings."""
    if all(len(pair.annotations) < 2 for pair in pairs):
        return []
    try:
        agreement = agree_pairs(pairs, options=AgreementOptions())
    except InputError as error:
        warnings.append(error.message)
        return []
    return list(agreement["pairwise"])
