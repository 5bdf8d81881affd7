"""Loss of the training: border-weighted cross-entropy and soft Dice."""

from __future__ import annotations

from typing import Any

SMOOTH = 1.0


def border_dice_loss(target: Any, logits: Any) -> Any:
    """Return weighted binary cross-entropy plus soft Dice loss of the whole batch.

    Parameters
    ----------
    target : tensor (B, T, T, 2)
        Channel 0: mask, 0 or 1. Channel 1: weight of the pixel, from
        ``core.sampling.weigh_borders``.
    logits : tensor (B, T, T, 1)
        Output of the network before the sigmoid.

    Returns
    -------
    tensor, scalar float32
        ``mean(w * BCE) / mean(w) + 1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1)``; the Dice
        part after Milletari et al., 3DV 2016.
    """
    from keras import ops

    mask, weight = target[..., :1], target[..., 1:]
    logits = ops.cast(logits, "float32")
    entropy = ops.maximum(logits, 0.0) - logits * mask + ops.log1p(ops.exp(-ops.abs(logits)))
    weighted = ops.sum(entropy * weight) / ops.sum(weight)
    probability = ops.sigmoid(logits)
    overlap = 2.0 * ops.sum(probability * mask) + SMOOTH
    dice = overlap / (ops.sum(probability) + ops.sum(mask) + SMOOTH)
    return weighted + 1.0 - dice
