"""wav2vec 2.0 checkpoints of others: Hugging Face and fairseq, in and out."""
