"""Predict whole images with the fastest engine that gives the same result."""
