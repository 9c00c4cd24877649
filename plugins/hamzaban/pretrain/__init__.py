"""Pretraining of wav2vec 2.0, from random weights or from a checkpoint."""
