"""Continuous pseudo-labelling: a model labels audio while it trains on these labels.

Likhomanenko et al. 2021, slimIPL (arXiv 2010.11524): labels are the most likely tokens
of the current model, without a language model; a cache keeps them for a while.
"""
