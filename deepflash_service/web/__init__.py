"""The HTTP service: one blueprint per resource, security, dashboard."""
