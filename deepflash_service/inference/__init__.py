"""TODO-inference."""
