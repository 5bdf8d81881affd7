"""How well experts agree, and the consensus of their annotations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.agreement import compare_experts
from deepflash_service.core.consensus import build_consensus
from deepflash_service.core.kappa import cohen_kappa
from deepflash_service.core.pairing import pair_names
from deepflash_service.errors import InputError
from deepflash_service.store.datasets import open_dataset
from deepflash_service.store.images import (
    encode_mask,
    list_images,
    read_annotation,
    write_mask,
)
from deepflash_service.store.names import strip_extension
from deepflash_service.workflows.expert_folders import read_folders
from deepflash_service.workflows.pairs import read_pair, read_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepflash_service.records import ConsensusMethod, LabelImage
    from deepflash_service.workflows.pairs import AnnotatedImage


@dataclass(frozen=True, slots=True)
class AgreementOptions:
    """How experts are compared: consensus (method or folder of masks), size filter, IoU."""

    consensus: str | Path = "auto"
    min_roi_size: int = 0
    iou: float = 0.5


def agree_folders(masks: Mapping[str, Path], *, options: AgreementOptions) -> dict[str, Any]:
    """Compare the experts whose annotations lie in one folder each.

    Parameters
    ----------
    masks : mapping of str to Path
        Folder of each expert.
    options : AgreementOptions
        Consensus, minimum ROI size, IoU of a match.

    Returns
    -------
    dict
        The object that ``deepflash agreement --json`` prints.

    Raises
    ------
    InputError
        Codes ``pairing_failed``, ``shape_mismatch``, ``invalid_annotation``.
    """
    images, warnings = read_folders(masks)
    compared = [one for one in images if len(one.labels) > 1]
    return _compare(
        [one.name for one in compared],
        [one.labels for one in compared],
        options=options,
        warnings=warnings,
    )


def agree_dataset(home: Path, dataset_id: str, *, options: AgreementOptions) -> dict[str, Any]:
    """Compare the experts of a data set; see :func:`agree_folders`.

    Raises
    ------
    NotFoundError
        Code ``unknown_dataset``.
    InputError
        As :func:`agree_folders`.
    """
    pairs, warnings = read_pairs(open_dataset(home, dataset_id))
    return agree_pairs(pairs, options=options, warnings=warnings)


def agree_pairs(
    pairs: Sequence[AnnotatedImage], *, options: AgreementOptions, warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """Compare the experts of images that were read already; see :func:`agree_folders`.

    Raises
    ------
    InputError
        As :func:`agree_folders`.
    """
    compared = [pair for pair in pairs if len(pair.annotations) > 1]
    return _compare(
        [pair.name for pair in compared],
        [pair.annotations for pair in compared],
        options=options,
        warnings=warnings,
    )


def make_consensus(
    home: Path, dataset_id: str, *, name: str, method: ConsensusMethod = "auto"
) -> bytes:
    """Return the consensus of one image of a data set as the bytes of an 8-bit TIFF.

    Raises
    ------
    NotFoundError
        Codes ``unknown_dataset`` and ``unknown_file``.
    InputError
        Code ``shape_mismatch`` or ``invalid_annotation``.
    """
    chosen = read_pair(open_dataset(home, dataset_id), name)
    return encode_mask(build_consensus(chosen.annotations, method=method).mask)


def write_consensus(
    masks: Mapping[str, Path], *, method: ConsensusMethod, output: Path
) -> dict[str, Any]:
    """Write the consensus of all experts for each image.

    Parameters
    ----------
    masks : mapping of str to Path
        Folder of each expert.
    method : str
        Any but ``each``.
    output : Path
        Folder for ``<stem of the first expert's mask>.tif``, 8-bit 0/255.

    Returns
    -------
    dict
        ``{"images": [{"image", "file", "method", "experts", "pixels"}], "warnings": [...]}``.

    Raises
    ------
    InputError
        As :func:`agree_folders`; code ``invalid_options`` when the output is a folder of masks.
    """
    _refuse_overwriting(masks, output)
    images, warnings = read_folders(masks)
    shared = [one for one in images if len(one.labels) > 1 or len(masks) == 1]
    if not shared:
        raise _refuse_single(warnings)
    entries = []
    for one in shared:
        consensus = build_consensus(one.labels, method=method)
        path = output / f"{strip_extension(one.first)}.tif"
        write_mask(path, consensus.mask)
        warnings += [f"{one.name}: {text}" for text in consensus.warnings]
        entries.append(
            {
                "image": one.name,
                "file": str(path),
                "method": consensus.method,
                "experts": list(one.labels),
                "pixels": int(np.count_nonzero(consensus.mask)),
            }
        )
    return {"images": entries, "warnings": warnings}


def _refuse_overwriting(masks: Mapping[str, Path], output: Path) -> None:
    for expert, folder in masks.items():
        if folder.resolve() == output.resolve():
            raise InputError(
                f"The folder {output} holds the masks of {expert}, which the consensus would "
                "overwrite. Choose another output folder.",
                code="invalid_options",
                details={"expert": expert},
            )


def _compare(
    names: Sequence[str],
    annotations: Sequence[Mapping[str, LabelImage]],
    *,
    options: AgreementOptions,
    warnings: Sequence[str],
) -> dict[str, Any]:
    if not names:
        raise _refuse_single(warnings)
    experts = list(dict.fromkeys(expert for one in annotations for expert in one))
    if "consensus" in experts:
        raise InputError(
            "An expert is called consensus, as is the consensus of all experts in the result. "
            "Give that expert another name.",
            code="invalid_options",
        )
    masks = {expert: [one.get(expert) for one in annotations] for expert in experts}
    given = options.consensus
    consensus: Any = given
    if isinstance(given, Path):
        consensus = _read_given(names, given, annotations)
    agreement = compare_experts(
        masks,
        images=list(names),
        min_roi_size=options.min_roi_size,
        iou=options.iou,
        consensus=consensus,
    )
    result = agreement.to_json()
    return {
        **result,
        "pairwise": [
            {**pair, "kappa": _average_kappa(masks[pair["a"]], masks[pair["b"]])}
            for pair in result["pairwise"]
        ],
        "warnings": [*warnings, *result["warnings"]],
    }


def _average_kappa(
    first: Sequence[LabelImage | None], second: Sequence[LabelImage | None]
) -> float | None:
    found = [
        cohen_kappa(one, other)
        for one, other in zip(first, second, strict=True)
        if one is not None and other is not None
    ]
    return float(np.mean(found)) if found else None


def _refuse_single(warnings: Sequence[str]) -> InputError:
    text = " ".join(warnings[:5])
    return InputError(
        "No image has annotations of two experts. Add the masks of a second expert, named like "
        f"those of the first. {text}".strip(),
        code="pairing_failed",
        details={"warnings": list(warnings)},
    )


def _read_given(
    names: Sequence[str], folder: Path, annotations: Sequence[Mapping[str, LabelImage]]
) -> list[LabelImage]:
    files = {path.name: path for path in list_images(folder, with_rois=True)}
    images = {f"{name}.tif": name for name in names}
    pairing = pair_names(list(images), {"consensus": list(files)})
    found = {images[image]: files[chosen["consensus"]] for image, chosen in pairing.pairs.items()}
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(
            f"The folder {folder} has no consensus for {', '.join(missing)}. Add the files, or "
            "choose a method such as staple.",
            code="pairing_failed",
            details={"missing": missing},
        )
    shapes = [next(iter(one.values())).shape for one in annotations]
    return [
        read_annotation(found[name], shape=(shape[0], shape[1]))
        for name, shape in zip(names, shapes, strict=True)
    ]
