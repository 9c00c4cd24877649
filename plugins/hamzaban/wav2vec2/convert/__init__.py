"""Convert wav2vec 2.0 checkpoints from Hugging Face and fairseq, and to Hugging
Face."""
