"""TODO-workflows."""
