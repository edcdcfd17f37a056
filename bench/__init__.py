"""Measurements of the whole project, as ratios whose baselines come from the same run.

`python -m bench --size 1000` runs every part of `bench.__main__.PARTS` and rewrites
docs/benchmarks.md. A part is a module that yields `Row`s; see `bench.rows`.
"""
