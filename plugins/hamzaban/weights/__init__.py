"""Model files of any origin: opened in one place, without running code from them."""
