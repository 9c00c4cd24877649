"""Transcribe recordings to text, subtitles, and words with times.

MODEL is a folder that train-asr wrote, a .zip that pack-model wrote, a Hugging Face
directory of any Wav2Vec2ForCTC, or the name of one on the hub (owner/name). MEDIA are
files of any length that ffmpeg can read, folders, patterns such as 'talks/**/*.mp3',
or - for standard input. Without --output_dir, the text of one file goes to standard
output. If a run is killed, run it again: it continues with the first file that is not
done. With --live, standard input brings raw samples, and words are printed while they
are spoken.
"""

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hamzaban.cli import add_nj, str2bool

GROUP = "decode"
MEMORY_REMEDY = "lower --batch_bins, --max_duration_s or --nj"
CUTTING = {  # option of TranscribeOptions -> its help
    "max_duration_s": "longest piece of speech that the model gets at once, in s",
    "min_pause_s": "shortest pause at which speech is cut, in s",
    "threshold": "probability of Silero VAD at which speech begins",
    "batch_bins": "most samples in a batch, padding included",
}
CUES = {  # option of CueOptions -> its help
    "max_chars": "most characters in a line of subtitles",
    "max_lines": "most lines of subtitles at once",
    "max_cue_s": "longest time that subtitles stay, in s",
    "min_cue_s": "shortest time that subtitles stay if no others follow, in s",
    "max_gap_s": "longest pause within subtitles, in s",
}
PCM = {  # option of PcmFormat -> its help
    "rate": "with --live: samples per second of standard input",
    "sample_format": "with --live: s16le, s32le, f32le or u8",
    "channels": "with --live: interleaved channels of standard input",
}
LIVE = {  # option of LiveOptions -> its help
    "chunk_s": "with --live: audio in each step, in s",
    "look_ahead_s": "with --live: audio after a word before it is final, in s",
    "left_context_s": "with --live: audio that is heard again in each step, in s",
}


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    from hamzaban.transcribe.arguments import add_fields, add_model
    from hamzaban.transcribe.cues import CueOptions
    from hamzaban.transcribe.formats import FORMATS, KALDI
    from hamzaban.transcribe.live_options import LiveOptions
    from hamzaban.transcribe.pcm_format import PcmFormat
    from hamzaban.transcribe.transcribe_options import TranscribeOptions

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add_model(parser)
    add("media", nargs="*", help="files, folders, glob patterns, or -")
    path: dict[str, Any] = {"type": Path, "metavar": "PATH"}
    text = "file with a file, folder or pattern on each line"
    add("--media_list", **path, action="append", default=[], help=text)
    add("--output_dir", **path, help="folder to write NAME.FORMAT to")
    text = (
        f"comma-separated list of {', '.join([*FORMATS, KALDI])} (default: %(default)s)"
    )
    add("--format", default="txt", metavar="LIST", help=text)
    text = "mix, or the number of one channel, from 0 (default: %(default)s)"
    add("--channel", default="mix", type=_channel, metavar="N", help=text)
    add_fields(parser, TranscribeOptions(), CUTTING)
    add_fields(parser, CueOptions(), CUES)
    text = "print words while standard input brings samples; formats txt and json"
    add("--live", action="store_true", help=text)
    add_fields(parser, PcmFormat(), PCM)
    add_fields(parser, LiveOptions(), LIVE)
    add_nj(parser, "files transcribed at once, on the CPU")
    text = "skip files that are done already (default: true)"
    add("--resume", type=str2bool, default=True, metavar="BOOL", help=text)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Transcribe; return 0, or 1 if a file failed or is damaged."""
    args = get_parser().parse_intermixed_args(cmd)
    if args.live:
        return _listen(args)
    if not args.media and not args.media_list:
        raise ValueError("no media; name files, folders, patterns, - or --media_list")
    with tempfile.TemporaryDirectory(prefix="hamzaban-transcribe-") as folder:
        media = [_keep_input(Path(folder)) if m == "-" else m for m in args.media]
        if args.output_dir is not None:
            return _transcribe(args, media, args.output_dir)
        return _print(args, media, Path(folder))


def _transcribe(args: argparse.Namespace, media: Sequence[str], out_dir: Path) -> int:
    from hamzaban.transcribe.arguments import read_fields, read_requests
    from hamzaban.transcribe.cues import CueOptions
    from hamzaban.transcribe.formats import KALDI, check_formats
    from hamzaban.transcribe.jobs import RECORDS, RunRequest
    from hamzaban.transcribe.media import list_files
    from hamzaban.transcribe.transcribe_options import TranscribeOptions

    model, search = read_requests(args)
    formats = check_formats([name for name in args.format.split(",") if name])
    request = RunRequest(
        out_dir,
        tuple(name for name in formats if name != KALDI),
        model,
        search,
        TranscribeOptions(channel=args.channel, **read_fields(args, CUTTING)),
        CueOptions(**read_fields(args, CUES)),
        kaldi=KALDI in formats,
    )
    paths = list_files(media, args.media_list, out_dir / RECORDS)
    from hamzaban.transcribe.run import transcribe_files

    bad = transcribe_files(paths, request, nj=args.nj, resume=args.resume)
    return 1 if bad else 0


def _listen(args: argparse.Namespace) -> int:
    """Transcribe standard input while it comes."""
    from hamzaban.transcribe.arguments import read_fields, read_requests
    from hamzaban.transcribe.live_options import LiveOptions
    from hamzaban.transcribe.pcm_format import PcmFormat
    from hamzaban.transcribe.transcribe_options import TranscribeOptions

    if args.media not in ([], ["-"]) or args.media_list or args.output_dir:
        raise ValueError(
            "--live reads samples from standard input and prints words; leave out "
            "MEDIA, --media_list and --output_dir"
        )
    pcm = PcmFormat(**read_fields(args, PCM))
    live = LiveOptions(**read_fields(args, LIVE))
    options = TranscribeOptions(**read_fields(args, CUTTING))
    from hamzaban.transcribe.live_run import FORMATS, LiveRequest, transcribe_live

    if args.format not in FORMATS:
        raise ValueError(
            f"--format {args.format} found; with --live, expected "
            f"{' or '.join(FORMATS)}"
        )
    request = LiveRequest(*read_requests(args), pcm, live, options, args.format)
    transcribe_live(request, sys.stdin.buffer, sys.stdout)
    return 0


def _print(args: argparse.Namespace, media: Sequence[str], folder: Path) -> int:
    """Transcribe one file in one format to standard output."""
    if (
        "," in args.format
        or args.format == "kaldi"
        or len(media) != 1
        or args.media_list
        or Path(media[0]).is_dir()
    ):
        raise ValueError(
            "several files or formats, but no --output_dir; name a folder to write to"
        )
    logging.getLogger().setLevel(logging.WARNING)
    status = _transcribe(args, media, folder / "out")
    for path in (folder / "out").glob(f"*.{args.format}"):
        with open(path, encoding="utf-8") as stream:
            shutil.copyfileobj(stream, sys.stdout)
    return status


def _keep_input(folder: Path) -> str:
    """Copy standard input to a file, since many formats need seeking."""
    path = folder / "stdin"
    with open(path, "wb") as stream:
        shutil.copyfileobj(sys.stdin.buffer, stream)
    return str(path)


def _channel(text: str) -> str | int:
    return int(text) if text.isdecimal() else text
