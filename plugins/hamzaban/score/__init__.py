"""Scoring: trn files, alignment as NIST sclite does it, result.txt and RESULTS.md."""
