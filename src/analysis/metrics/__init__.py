"""Metrics: what was counted, how sure it is, and what changed."""
