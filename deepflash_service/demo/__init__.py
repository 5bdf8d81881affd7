"""The whole workflow on generated pictures, to see what the product does."""
