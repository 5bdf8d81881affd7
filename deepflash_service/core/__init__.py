"""TODO-core."""
