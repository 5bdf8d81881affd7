"""TODO-bridge."""
