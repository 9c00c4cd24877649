"""Fit the temperature that turns confidences of words into probabilities."""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "decode"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban fit-confidence`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="decode-asr and transcribe apply the file; pack-model packs it.",
    )
    add = parser.add_argument
    add(
        "--ctm",
        type=Path,
        required=True,
        help="words of the decoded validation set, by decode-asr without --confidence",
    )
    add("--ref", type=Path, required=True, help="transcripts of the set, a Kaldi text")
    add("--output", type=Path, required=True, help="file to write, confidence.yaml")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Fit, write the file and print the errors; return the exit status."""
    args = get_parser().parse_args(cmd)
    from dataclasses import asdict

    from hamzaban.config import write_config
    from hamzaban.score.calibration import (
        apply_calibration,
        describe_curve,
        fit_calibration,
        judge_words,
        measure_curve,
        read_heard,
    )
    from hamzaban.score.trn import read_text

    refs = {utt_id: text.split() for utt_id, text in read_text(args.ref).items()}
    heard = read_heard(args.ctm)
    unknown = next((utt_id for utt_id in heard if utt_id not in refs), None)
    if unknown is not None:
        raise ValueError(
            f"{args.ctm}: utterance '{unknown}' has no reference in {args.ref}; give "
            "the transcripts of the set that was decoded"
        )
    words = judge_words(refs, heard)
    fitted = fit_calibration(words)
    before = describe_curve(measure_curve(words))
    after = describe_curve(measure_curve(apply_calibration(words, fitted)))
    line = f"{before}, {after.partition(' of ')[0]} after fitting"
    write_config(
        asdict(fitted), args.output, f"Made by hamzaban fit-confidence: {line}."
    )
    print(
        f"{args.output}: temperature {fitted.temperature:.3f}, bias "
        f"{fitted.bias:.3f}; {line}"
    )
    return 0
