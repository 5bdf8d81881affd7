"""Models kept loaded between jobs."""

from __future__ import annotations

from collections import OrderedDict
from importlib.metadata import version
from typing import TYPE_CHECKING

from deepflash_service.errors import ComputeError
from deepflash_service.store.computer import find_cpu_name
from deepflash_service.store.engine_choices import note_choice, read_choice
from deepflash_service.store.models import find_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deepflash_service.workflows.prediction import LoadedModel

_MOST_MODELS = 2
_ENGINES = ("keras", "openvino", "tensorflow")


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
        exact = find_model(self._home, reference).reference
        if exact not in self._models:
            self._models[exact] = self._load_alike(exact)
            while len(self._models) > _MOST_MODELS:
                self._models.popitem(last=False)
            if self._on_load is not None:
                self._on_load(self._models[exact])
        self._models.move_to_end(exact)
        return self._models[exact]

    def _load_alike(self, exact: str) -> LoadedModel:
        """Load a model on the engine that computed it before on this computer."""
        from deepflash_service.workflows.prediction import FASTEST, EngineChoice, load_model

        key = " ".join([exact, find_cpu_name(), *(version(name) for name in _ENGINES)])
        known = read_choice(self._home, key)
        try:
            choice = FASTEST if known is None else EngineChoice(*known)  # type: ignore[arg-type]
            model = load_model(self._home, exact, choice=choice)
        except ComputeError as error:
            if error.code != "engine_unavailable" or known is None:
                raise
            known = None
            model = load_model(self._home, exact)
        if known is None and model.engine in _ENGINES:
            note_choice(self._home, key, choice=(model.engine, model.precision))
        return model
