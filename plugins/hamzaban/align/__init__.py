"""A recording and its text to segments with scores."""
