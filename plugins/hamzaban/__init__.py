"""Speech recognition for languages with little labelled speech, on top of ESPnet."""

__version__ = "0.1.0"
