"""Agreement between any two annotators, human or model: the door to all its measures.

============== ==================================== ===============================
pixel_jaccard  shared pixels / all marked pixels    both empty = 1
dice           2 shared / sum of both areas         both empty = 1
roi_jaccard    TP / (TP + FP + FN)                  both empty = 1
precision      TP / (TP + FP)                       TP: ROIs matched one to one
recall         TP / (TP + FN)                       at an IoU of at least 0.5
f1             2 TP / (2 TP + FP + FN)              both empty = 1
============== ==================================== ===============================
"""

from __future__ import annotations

from deepflash_service.core.expert_agreement import (
    ExpertAgreement,
    ImageAgreement,
    compare_experts,
    compare_image,
)
from deepflash_service.core.matching import RoiMatch, match_labels, match_rois
from deepflash_service.core.scores import (
    AgreementCounts,
    average_scores,
    count_agreement,
    count_labels,
    dice,
    pixel_jaccard,
    pool_scores,
    roi_jaccard,
    score_labels,
    score_prediction,
)

__all__ = [
    "AgreementCounts",
    "ExpertAgreement",
    "ImageAgreement",
    "RoiMatch",
    "average_scores",
    "compare_experts",
    "compare_image",
    "count_agreement",
    "count_labels",
    "dice",
    "match_labels",
    "match_rois",
    "pixel_jaccard",
    "pool_scores",
    "roi_jaccard",
    "score_labels",
    "score_prediction",
]
