"""Continuous pseudo-labelling: a model labels anew, while it trains, what it trains on.

Likhomanenko et al. 2021, slimIPL (arXiv 2010.11524): labels are the likeliest tokens of
the model as it is, without a language model; a cache keeps them from changing at once.
"""
