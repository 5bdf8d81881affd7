"""TODO-network."""
