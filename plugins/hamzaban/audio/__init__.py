"""Audio: decoding anything, cutting, resampling, writing what training reads."""
