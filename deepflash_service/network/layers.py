"""Keras layers of our own. Importing this module loads Keras; do so inside functions only."""

from __future__ import annotations

from typing import Any

import keras


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc, unused-ignore]
    """Batch normalisation that trains with TensorFlow's fused kernel.

    Same weights and same results as its parent, which computes moments and scaling in separate
    passes over memory; on a CPU that is up to half of a training step of the whole U-Net
    (benchmarks/training_step.py). Other backends, and every prediction, use the parent.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: FBT001 - Keras calls it so
        """Normalise by the batch while training, by the moving statistics otherwise."""
        if not (training and self.trainable) or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=tf.zeros((0,)),
            variance=tf.zeros((0,)),
            epsilon=self.epsilon,
            is_training=True,
        )
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + result.batch_mean * (1 - keep))
        self.moving_variance.assign(
            self.moving_variance * keep + result.batch_variance * (1 - keep)
        )
        return result.y
