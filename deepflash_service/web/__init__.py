"""TODO-web."""
