"""The wav2vec 2.0 model: geometry, configuration, masking, checkpoints, conversion."""
