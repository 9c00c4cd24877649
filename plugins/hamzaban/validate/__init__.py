"""Everything that can be wrong with a Kaldi data directory."""
