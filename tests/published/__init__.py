"""Corpora made up in exactly the layout in which they are published."""
