"""Transcribe recordings of any length to words with times and subtitles."""
