"""From a corpus as it is published, or a user's own files, to data directories."""
