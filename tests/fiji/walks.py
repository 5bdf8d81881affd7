"""Which walk belongs to which command; a command without one fails ``test_all_commands``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fiji import walks_of_annotations, walks_of_service, walks_of_trainings
from tests.fiji import walks_of_segmentations as segmentations

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fiji.stage import Stage

WALKS: dict[str, Callable[[Stage], None]] = {
    "DFL Set Up...": walks_of_service.set_up,
    "DFL Check Service": walks_of_service.check_service,
    "DFL Model Library...": walks_of_service.tell_model,
    "DFL Segment...": segmentations.segment,
    "DFL Segment Folder...": segmentations.segment_folder,
    "DFL Macro Extensions": walks_of_service.extend_macros,
    "DFL Annotate...": walks_of_annotations.annotate,
    "DFL Save Annotation...": walks_of_annotations.save_annotation,
    "DFL Check Pairs...": walks_of_annotations.check_pairs,
    "DFL Merge Experts...": walks_of_annotations.merge_experts,
    "DFL Train...": walks_of_trainings.train,
    "DFL Correct and Retrain...": walks_of_trainings.correct,
    "DFL Training Monitor": walks_of_trainings.monitor,
    "DFL Evaluate...": segmentations.evaluate,
    "DFL Show Errors...": segmentations.show_errors,
    "DFL Measure ROIs...": segmentations.measure,
    "DFL Jobs...": walks_of_trainings.tell_job,
    "DFL Help": walks_of_service.show_help,
    "DFL Report a Problem": walks_of_service.report,
}
