"""Audio: decode any format, cut, resample, and write the files that training reads."""
