"""Kaldi data directories: read, write, select, combine."""
