"""Decoding: emissions of a trained model, and the search over them."""
