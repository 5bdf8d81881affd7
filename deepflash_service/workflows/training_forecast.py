"""What a training learns of the F1 to expect on new images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepflash_service.core.forecast import fit_forecast
from deepflash_service.core.image_traits import measure_image_traits
from deepflash_service.core.uncertainty import measure_map_traits

if TYPE_CHECKING:
    from deepflash_service.records import Forecast
    from deepflash_service.workflows.training_data import TrainingData
    from deepflash_service.workflows.training_scores import Judgement, Maps


def learn_forecast(data: TrainingData, maps: Maps, judged: Judgement) -> Forecast | None:
    """Learn from held-out images which F1 belongs to which kind of prediction.

    Parameters
    ----------
    data : TrainingData
        All images tell what the model knows.
    maps : mapping of int to ndarray of shape (M, N), float
        Probability map of each image that no member knew, by one that never saw it.
    judged : Judgement
        Where each map was cut, and the score that this gave.

    Returns
    -------
    Forecast or None
        None without such an image.
    """
    indices = sorted(maps)
    rows = [measure_map_traits([maps[index]], judged.cuts[index]) for index in indices]
    return fit_forecast(
        rows,
        [judged.scores[index].f1 for index in indices],
        images=[measure_image_traits(image.pixels) for image in data.images],
    )
