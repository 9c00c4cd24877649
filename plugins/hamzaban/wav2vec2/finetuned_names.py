"""Names of files and parameters of a recognizer; importing this imports no torch."""

from pathlib import Path

CONFIG = "config.yaml"
OWN_CONFIG = "hamzaban.yaml"  # in an archive, where config.yaml is for ESPnet alone
FRONTEND = "hamzaban_s3prl"
INSIDE = "frontend.upstream.upstream.model."  # parameters of the wav2vec 2.0 model
# Parts that only pretraining uses; a recognizer does without them.
PRETRAINING_PARTS = ("quantizer.", "project_q.", "target_glu.", "final_proj.")


def find_config(folder: Path) -> Path:
    """Return the configuration of a recognizer in its folder, ours if there are two."""
    own = folder / OWN_CONFIG
    return own if own.is_file() else folder / CONFIG
