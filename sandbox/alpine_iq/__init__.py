"""A simulated Alpine IQ: one generated account behind the real service's paths and limits."""
