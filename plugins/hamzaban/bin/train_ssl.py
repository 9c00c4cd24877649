"""Pretrain a wav2vec 2.0 model on untranscribed speech, from scratch or continued."""

import argparse
from collections.abc import Sequence


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban train-ssl`: ESPnet2's options and ours."""
    from hamzaban.pretrain.task import SSLTask

    return SSLTask.get_parser()


def main(cmd: Sequence[str] | None = None) -> int:
    """Train, write <output_dir>/wav2vec2.pt; return the exit status."""
    from hamzaban.pretrain.task import SSLTask

    SSLTask.main(cmd=cmd)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
