"""The one place that knows the versions of ESPnet, torchaudio and S3PRL."""


def prepare() -> None:
    """Make ESPnet2 and S3PRL importable; call before importing either."""
