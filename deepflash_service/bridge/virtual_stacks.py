"""Edits of virtual stacks, which ImageJ forgets without a word."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge.jvm import java_class

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALLER: Final = 4
_LOST: Final = (
    "{title} is a virtual stack: ImageJ reads its planes again and again, and what was changed in "
    "its pixels now is lost when it shows another plane, or at once. Work on a copy, "
    "image.duplicate(), or make the image with fiji.to_imageplus(array)."
)
# ImageJ takes these for changes too, and they last.
LASTING: Final = frozenset({"Set Scale...", "Delete Slice"})


@contextmanager
def find_lost_edits(image: Any, titles: list[str]) -> Iterator[None]:
    """Add the titles of virtual stacks to `titles` that are edited in the body.

    Found are the image that is worked on and every one that is open at the end. One that is saved
    or closed in the body is not: ImageJ takes a saved image for one that nobody changed.

    Parameters
    ----------
    image : ij.ImagePlus or None
        The image that is worked on. What ``ij.py.to_imageplus`` of pyimagej makes is virtual, a
        single plane too.
    titles : list of str
        Gets the titles.
    """
    before = {one: bool(one.changes) for one in _list_virtual(image)}
    for one in before:
        one.changes = False
    try:
        yield
    finally:
        for one in {*before, *_list_virtual(image)}:
            if one.changes:
                titles.append(str(one.getTitle()))
            one.changes = before.get(one, False) or bool(one.changes)


def _list_virtual(image: Any) -> set[Any]:
    """Return the virtual stacks among an image and those that are open."""
    windows = java_class("ij.WindowManager")
    images = [image, *(windows.getImage(number) for number in windows.getIDList() or ())]
    return {one for one in images if one is not None and one.getStack().isVirtual()}


def warn_of_lost_edits(titles: list[str]) -> None:
    """Warn of each virtual stack that was edited, at the line that called the bridge."""
    for title in titles:
        warnings.warn(_LOST.format(title=title), stacklevel=_CALLER)
