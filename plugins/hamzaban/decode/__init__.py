"""Decoding: emissions of a trained model, and the searches over them."""
