"""Models kept loaded between jobs."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from deepflash_service.store.models import find_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deepflash_service.workflows.prediction import LoadedModel

_MOST_MODELS = 2


class ModelCache:
    """The models used last, loaded and ready.

    Parameters
    ----------
    home : Path
        Home folder with the library.
    on_load : callable, optional
        Told of each model that was loaded; the warm worker publishes the device this way.
    """

    def __init__(self, home: Path, *, on_load: Callable[[LoadedModel], None] | None = None) -> None:
        self._home = home
        self._on_load = on_load
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()

    def load(self, reference: str) -> LoadedModel:
        """Return the model ``NAME[@VERSION]``, loading it unless it is at hand."""
        from deepflash_service.workflows.prediction import load_model

        exact = find_model(self._home, reference).reference
        if exact not in self._models:
            self._models[exact] = load_model(self._home, exact)
            while len(self._models) > _MOST_MODELS:
                self._models.popitem(last=False)
            if self._on_load is not None:
                self._on_load(self._models[exact])
        self._models.move_to_end(exact)
        return self._models[exact]
