"""Pseudo-labels across languages: spelling, decoding, filters, health, rounds."""
