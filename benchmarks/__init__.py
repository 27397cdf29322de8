"""Measurements of speed. `python -m benchmarks` takes them all; records lie in benchmarks/records."""
