"""DeepFLaSH for Fiji: deep-learning segmentation of fluorescent features as a local service."""

__version__ = "0.1.0"
API_VERSION = 1
