"""A trained model and recordings of any length to words with times and subtitles."""
