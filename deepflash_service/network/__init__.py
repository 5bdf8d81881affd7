"""The U-Net in Keras 3: architecture, training, weights. Keras loads on the first call."""
