"""wav2vec 2.0 pretraining: from random weights, or continued from a checkpoint."""
