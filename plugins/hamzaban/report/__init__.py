"""The report of experiments: one HTML file, and its curves as a picture."""
