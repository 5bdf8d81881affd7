"""The U-Net, built from a validated card and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepflash_service.network.devices import Precision
    from deepflash_service.records import NetworkCard

FILTER_CAP = 512
DROPOUT_WIDTH = 64
POLICIES = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}


@dataclass(frozen=True, slots=True)
class Dropout:
    """Share of the channels left out at random in training, and the seed of the draw.

    Only blocks with at least 64 filters drop any: the finer ones have few channels to spare.
    After Tompson et al., CVPR 2015.
    """

    rate: float
    seed: int


def build_network(
    card: NetworkCard,
    *,
    precision: Precision = "float32",
    logits: bool = False,
    dropout: Dropout | None = None,
) -> Any:
    """Build the U-Net that a card describes, with fresh random weights.

    Two 3 x 3 convolutions, each with normalisation and ReLU, per level; nearest upsampling;
    filters double per level up to 512. The output is computed in float32. After Ronneberger et
    al., MICCAI 2015, with the padding and normalisation of later work.

    Parameters
    ----------
    card : NetworkCard
        Channels, filters, depth, normalisation.
    precision : {"float32", "bfloat16", "float16"}, optional
        Type of the computation; weights are float32 in any case and fit all three.
    logits : bool, optional
        Leave out the final sigmoid (for training).
    dropout : Dropout, optional
        For training; the weights fit a network without.

    Returns
    -------
    keras.Model
        Maps (B, M, N, channels) to (B, M, N, 1); M and N must be multiples of 2**depth
        (``prediction.make_callable`` pads). The prediction of a pixel does not depend on the
        other images of the batch: normalisation uses the statistics frozen in training.
    """
    import keras

    style = _Style(card, keras.DTypePolicy(POLICIES[precision]), dropout)
    policy = style.policy
    widths = [min(card.filters * 2**level, FILTER_CAP) for level in range(card.depth + 1)]
    inputs = keras.Input((None, None, card.channels), dtype="float32", name="image")
    flow, skips = inputs, []
    for level, width in enumerate(widths[:-1]):
        flow = _add_block(flow, width, style=style, name=f"down{level}")
        skips.append(flow)
        flow = keras.layers.MaxPooling2D(dtype=policy, name=f"pool{level}")(flow)
    flow = _add_block(flow, widths[-1], style=style, name="centre")
    for level in reversed(range(card.depth)):
        flow = keras.layers.UpSampling2D(dtype=policy, name=f"grow{level}")(flow)
        flow = keras.layers.Concatenate(dtype=policy, name=f"join{level}")([skips[level], flow])
        flow = _add_block(flow, widths[level], style=style, name=f"up{level}")
    result = keras.layers.Conv2D(1, 1, dtype="float32", name="logit")(flow)
    if not logits:
        result = keras.layers.Activation("sigmoid", dtype="float32", name="probability")(result)
    return keras.Model(inputs, result, name="unet")


@dataclass(frozen=True, slots=True)
class _Style:
    card: NetworkCard
    policy: Any
    dropout: Dropout | None


def _add_block(flow: Any, width: int, *, style: _Style, name: str) -> Any:
    import keras

    card, policy, dropout = style.card, style.policy, style.dropout
    for step in ("a", "b"):
        flow = keras.layers.Conv2D(
            width,
            3,
            padding="same",
            use_bias=card.normalisation == "none",
            kernel_initializer="he_normal",
            dtype=policy,
            name=f"{name}{step}_conv",
        )(flow)
        flow = _normalise(flow, width, card=card, policy=policy, name=f"{name}{step}_norm")
        flow = keras.layers.ReLU(dtype=policy, name=f"{name}{step}_relu")(flow)
    if dropout is not None and dropout.rate > 0 and width >= DROPOUT_WIDTH:
        flow = keras.layers.SpatialDropout2D(
            dropout.rate, seed=dropout.seed, dtype=policy, name=f"{name}_drop"
        )(flow)
    return flow


def _normalise(flow: Any, width: int, *, card: NetworkCard, policy: Any, name: str) -> Any:
    import keras

    from deepflash_service.network.layers import FusedBatchNormalization

    if card.normalisation == "batch":
        return FusedBatchNormalization(momentum=0.95, dtype=policy, name=name)(flow)
    if card.normalisation == "group":
        groups = next(count for count in (8, 4, 2, 1) if width % count == 0)
        return keras.layers.GroupNormalization(groups, dtype=policy, name=name)(flow)
    return flow
