"""Measurements of the whole project, as ratios whose baselines come from the same run.

`make bench` runs every part of `bench.parts.PARTS` at 1,000 contacts, prints the ratios and writes
docs/benchmarks.md. A part is a module that yields `Row`s; see `bench.rows`.
"""
