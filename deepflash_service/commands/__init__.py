"""TODO-commands."""
