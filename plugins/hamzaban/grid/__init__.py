"""Experiments over a grid: cells as independent jobs, their states, their tables."""
