"""Which mask belongs to which image: by name, and by pixels for images given twice."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

_SUFFIX = re.compile(r"(?<=.)_[^_]*[^\W\d_][^_]*$")
_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Pairing:
    """Images with their masks.

    ``pairs`` maps each image to its masks, expert by expert; ``warnings`` are sentences about
    what was left out, for the user, ``doubts`` those among them about names that fit more than
    once.
    """

    pairs: dict[str, dict[str, str]]
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def find_stem(name: str) -> str:
    """Return a file name without folders and without its extension.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    base = re.split(r"[/\\]", name)[-1]
    stem = base.rpartition(".")[0] or base
    return stem.removesuffix(".ome")


def strip_suffix(stem: str) -> str:
    """Take one trailing ``_word`` off a stem: ``1049_cFOS`` becomes ``1049``.

    A word holds a letter, so the number of ``mouse_0001`` is no word and stays.

    Parameters
    ----------
    stem : str

    Returns
    -------
    str
        Never empty.
    """
    return _SUFFIX.sub("", stem)


def pair_names(
    images: Sequence[str],
    masks: Mapping[str, Sequence[str]],
    *,
    words: tuple[str, str] = ("image", "mask"),
) -> Pairing:
    """Pair images with the masks of each expert by their names.

    An image and a mask belong together when their stems agree, at once or after one trailing
    ``_word`` is taken off either or both; the closest agreement counts. Two different words are
    not taken off where they tell files of one folder apart (``plate_A1``, ``plate_A2``).

    Parameters
    ----------
    images : sequence of str
        File names of the images.
    masks : mapping from expert to sequence of str
        File names of each expert's masks.
    words : tuple of str
        What the warnings call the two.

    Returns
    -------
    Pairing
        Images with at least one mask, in the order given; masks without an image, images without
        a mask, and names that fit more than once are named in a warning and left out.
    """
    pairs: dict[str, dict[str, str]] = {image: {} for image in images}
    warnings: list[str] = []
    every_doubt: list[str] = []
    for expert, names in masks.items():
        found, doubts, lonely = _pair_expert(images, names, words=words)
        for image, mask in found.items():
            pairs[image][expert] = mask
        every_doubt += [f"{expert}: {doubt}" for doubt in doubts]
        warnings += [f"{expert}: {fault}" for fault in doubts]
        if lonely:
            warnings.append(f"{expert}: No {words[0]} belongs to {_list_names(lonely)}; left out.")
    missing = [image for image, found in pairs.items() if not found]
    if missing:
        warnings.append(f"No {words[1]} belongs to {_list_names(missing)}; left out.")
    paired = {image: found for image, found in pairs.items() if found}
    return Pairing(paired, tuple(warnings), tuple(every_doubt))


def find_identical(images: Mapping[str, npt.ArrayLike]) -> tuple[tuple[str, ...], ...]:
    """Group the images whose pixels are identical.

    Parameters
    ----------
    images : mapping from name to array of shape (M, N) or (M, N, C)
        The number type does not matter, only the values.

    Returns
    -------
    tuple of tuples of str
        Groups of two and more names, in the order given.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name, image in images.items():
        groups[hash_pixels(image)].append(name)
    return tuple(tuple(names) for names in groups.values() if len(names) > 1)


def hash_pixels(image: npt.ArrayLike) -> str:
    """Return a hash of shape and pixel values, the same for equal values of any type.

    Parameters
    ----------
    image : array of shape (M, N) or (M, N, C)

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    values = np.ascontiguousarray(image, dtype="<f8")
    digest = hashlib.blake2b(repr(values.shape).encode(), digest_size=16)
    digest.update(values.data)
    return digest.hexdigest()


def _pair_expert(
    images: Sequence[str], masks: Sequence[str], *, words: tuple[str, str]
) -> tuple[dict[str, str], list[str], list[str]]:
    """Pair in rounds of falling closeness; return pairs, doubts, and masks without an image."""
    found: dict[str, str] = {}
    doubtful: dict[str, None] = {}
    for find_image_key, find_mask_key in _ROUNDS:
        left_images = [image for image in images if image not in found]
        taken = {*found.values(), *doubtful}
        by_key = _group_names(left_images, find_image_key)
        for key, some in _group_names(
            [mask for mask in masks if mask not in taken], find_mask_key
        ).items():
            fitting = by_key.get(key, [])
            if len(fitting) == len(some) == 1:
                found[fitting[0]] = some[0]
            elif fitting:
                doubtful.update(dict.fromkeys(some))
    unlike = _find_unlike(found, images, masks)
    for image in unlike:
        del found[image]
    remedy = f"Name each {words[1]} like its {words[0]}."
    doubts = [
        f"{mask} and {image} differ in their last word, which tells other files of the folder "
        f"apart; left out. {remedy}"
        for image, mask in unlike.items()
    ]
    if doubtful:
        doubts.append(
            f"{_list_names(list(doubtful))} would fit more than one name; left out. {remedy}"
        )
    taken = {*found.values(), *doubtful, *unlike.values()}
    return found, doubts, [mask for mask in masks if mask not in taken]


def _find_unlike(
    found: Mapping[str, str], images: Sequence[str], masks: Sequence[str]
) -> dict[str, str]:
    """Return the pairs whose last words differ, where that word tells files of a folder apart."""
    times = [Counter(map(_find_base, names)) for names in (images, masks)]
    return {
        image: mask
        for image, mask in found.items()
        if find_stem(image) not in {find_stem(mask), _find_base(mask)}
        and find_stem(mask) != _find_base(image)
        and max(count[_find_base(image)] for count in times) > 1
    }


def _group_names(names: Sequence[str], find_key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[find_key(name)].append(name)
    return groups


def _find_base(name: str) -> str:
    return strip_suffix(find_stem(name))


_ROUNDS = (
    (find_stem, find_stem),
    (find_stem, _find_base),
    (_find_base, find_stem),
    (_find_base, _find_base),
)


def _list_names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
