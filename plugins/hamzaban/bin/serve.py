"""Serve a model over HTTP and WebSocket, with a page to upload and record speech.

MODEL is what `hamzaban transcribe` takes. Open the address that is printed in a
browser, or send a file: curl -F file=@talk.mp3 'http://127.0.0.1:8000/transcribe?format=srt'
"""

import argparse
import logging
from collections.abc import Sequence

GROUP = "decode"
MEMORY_REMEDY = "lower --batch_bins or --max_parallel"
LIMITS = {  # option of ServeOptions -> its help
    "max_upload_mb": "largest file, in MB",
    "max_audio_s": "longest recording, in s",
    "max_upload_s": "longest time in which a file may arrive, in s",
    "max_job_s": "longest time that a file may take, in s",
    "max_parallel": "files that are transcribed at once",
    "max_queue": "files that may wait beside those",
    "max_live": "live streams at once",
    "max_live_s": "longest live stream, in s",
    "max_idle_s": "longest time in which a live stream may bring nothing, in s",
    "max_connections": "connections at once",
    "max_head_s": "longest time until a request has begun, in s",
}
LIVE = {  # option of LiveOptions -> its help
    "chunk_s": "audio in each step of a live stream, in s",
    "look_ahead_s": "audio after a word before the word is final, in s",
    "left_context_s": "audio before a step that the model hears again, in s",
}
CUTTING = {  # option of TranscribeOptions -> its help
    "threshold": "probability of Silero VAD at which speech begins",
    "min_pause_s": "shortest pause at which speech is cut, in s",
    "batch_bins": "most samples in a batch, padding included",
}


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    from hamzaban.serve.serve_options import ServeOptions
    from hamzaban.transcribe.arguments import add_fields, add_model
    from hamzaban.transcribe.live_options import LiveOptions
    from hamzaban.transcribe.transcribe_options import TranscribeOptions

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model(parser)
    add = parser.add_argument
    text = "address to listen on; others than this machine reach it unless it is "
    text += "127.0.0.1, ::1 or localhost (default: %(default)s)"
    add("--host", default="127.0.0.1", help=text)
    text = "port; 0 takes a free one (default: %(default)s)"
    add("--port", type=int, default=8000, metavar="N", help=text)
    text = "name of this machine that browsers may use, such as asr.example.org"
    add("--allow_host", action="append", default=[], metavar="NAME", help=text)
    add_fields(parser, ServeOptions(), LIMITS)
    add_fields(parser, LiveOptions(), LIVE)
    add_fields(parser, TranscribeOptions(), CUTTING)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Serve until a signal; return 0."""
    args = get_parser().parse_args(cmd)
    from hamzaban.serve.server import check_packages, open_socket, run

    check_packages()
    from hamzaban.serve.serve_options import ServeOptions
    from hamzaban.transcribe.arguments import read_fields, read_requests
    from hamzaban.transcribe.live_options import LiveOptions
    from hamzaban.transcribe.transcribe_options import TranscribeOptions

    limits = ServeOptions(**read_fields(args, LIMITS))
    live = LiveOptions(**read_fields(args, LIVE))
    cutting = TranscribeOptions(**read_fields(args, CUTTING))
    with open_socket(args.host, args.port) as listener:
        logging.info("loading %s", args.model)
        from hamzaban.serve.app import Service, make_app
        from hamzaban.serve.engine import Engine
        from hamzaban.serve.metrics import Metrics
        from hamzaban.transcribe.loading import load_transcriber

        metrics = Metrics()
        model = load_transcriber(*read_requests(args), cutting)
        engine = Engine(model, metrics, live)
        engine.warm_up()
        app = make_app(Service(engine, limits, metrics), args.allow_host)
        run(app, listener, limits, args.allow_host)
    return 0
