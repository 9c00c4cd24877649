"""Align a recording with its text: segments with scores."""
