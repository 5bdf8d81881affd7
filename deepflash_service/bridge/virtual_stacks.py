"""Edits of virtual stacks, which ImageJ forgets without a word."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALLER: Final = 4
_LOST: Final = (
    "{title} is a virtual stack: ImageJ reads its planes again and again, and what was changed now "
    "is lost when it shows another plane, or at once. Work on a copy, image.duplicate(), or make "
    "the image with fiji.to_imageplus(array)."
)


@contextmanager
def find_lost_edits(image: Any, titles: list[str]) -> Iterator[None]:
    """Add the title of a virtual stack to `titles` when it is edited in the body.

    Parameters
    ----------
    image : ij.ImagePlus or None
        The image that is worked on. What ``ij.py.to_imageplus`` of pyimagej makes is virtual, a
        single plane too.
    titles : list of str
        Gets the title.
    """
    if image is None or not image.getStack().isVirtual():
        yield
        return
    before = bool(image.changes)
    image.changes = False
    try:
        yield
    finally:
        if image.changes:
            titles.append(str(image.getTitle()))
        image.changes = before or bool(image.changes)


def warn_of_lost_edits(titles: list[str]) -> None:
    """Warn of each virtual stack that was edited, at the line that called the bridge."""
    for title in titles:
        warnings.warn(_LOST.format(title=title), stacklevel=_CALLER)
