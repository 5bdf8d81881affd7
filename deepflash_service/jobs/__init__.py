"""TODO-jobs."""
