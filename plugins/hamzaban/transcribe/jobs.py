"""Name the outputs of a run and keep records of what is done."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hamzaban import __version__
from hamzaban.audio.format_options import hash_text
from hamzaban.fileio import atomic_text, read_record
from hamzaban.transcribe.acoustics import ModelRequest
from hamzaban.transcribe.cues import CueOptions
from hamzaban.transcribe.formats import format_transcript
from hamzaban.transcribe.kaldi import Recording
from hamzaban.transcribe.loading import SearchRequest
from hamzaban.transcribe.transcribe_options import TranscribeOptions
from hamzaban.transcribe.transcript import Transcript

RECORDS = ".transcribe"  # folder of records in the output folder
_WEIGHTS = (".safetensors", ".bin", ".json", ".yaml", ".model", ".txt")


@dataclasses.dataclass(frozen=True)
class RunRequest:
    """What a run does with each file.

    Attributes:
        output_dir: Folder of the outputs.
        formats: Keys of formats.FORMATS.
        model: The model.
        search: The search.
        options: How recordings are cut.
        cues: How subtitles are cut.
        kaldi: Whether a data directory of all files is written, too.
        num_threads: Threads of the model.
    """

    output_dir: Path
    formats: tuple[str, ...]
    model: ModelRequest
    search: SearchRequest = dataclasses.field(default_factory=SearchRequest)
    options: TranscribeOptions = dataclasses.field(default_factory=TranscribeOptions)
    cues: CueOptions = dataclasses.field(default_factory=CueOptions)
    kaldi: bool = False
    num_threads: int = 1

    def key(self, model: Path) -> str:
        """Return a hash of everything that outputs depend on except the recording.

        Args:
            model: Folder or archive of the model.
        """
        search = self.search.complete(model)
        files = [*_each_model_file(model, self.model), *_each_search_file(search)]
        what = (__version__, self.model, search, self.options, self.cues)
        return hash_text(repr((what, sorted(map(_identify, files)))))


@dataclasses.dataclass(frozen=True)
class Job:
    """A file to transcribe.

    Attributes:
        path: The file.
        name: Name of its outputs, without a suffix.
        request: What to do with it.
        key: Hash of what the outputs depend on, except for the file.
    """

    path: str
    name: str
    request: RunRequest
    key: str

    @property
    def record(self) -> Path:
        """Return the path of the record of what the outputs were made from."""
        return self.request.output_dir / RECORDS / f"{self.name}.json"

    def output(self, form: str) -> Path:
        """Return the path of the output in a format."""
        return self.request.output_dir / f"{self.name}.{form}"

    def with_threads(self, num_threads: int) -> Job:
        """Return the job for a model with a number of threads."""
        request = dataclasses.replace(self.request, num_threads=num_threads)
        return dataclasses.replace(self, request=request)


def name_outputs(paths: Sequence[str]) -> list[str]:
    """Return the names of the outputs of files: their stems.

    Files of one stem keep their suffix in the name; files of one name in different
    folders get a hash of their path.

    Examples:
        >>> name_outputs(["a/talk.mp3", "a/film.mkv", "b/film.mp4"])
        ['talk', 'film.mkv', 'film.mp4']
    """
    names = [Path(path).stem for path in paths]
    names = _rename_same(names, [Path(path).name for path in paths])
    hashes = [hash_text(str(Path(path).absolute()))[:8] for path in paths]
    longer = [f"{Path(p).name}-{h}" for p, h in zip(paths, hashes, strict=True)]
    return _rename_same(names, longer)


def is_done(job: Job) -> bool:
    """Return whether the outputs of a job exist and are up to date."""
    record = read_record(job.record)
    if record is None or record.get("made_of") != _describe(job):
        return False
    return all(job.output(form).is_file() for form in job.request.formats)


def write_outputs(job: Job, transcript: Transcript) -> None:
    """Write a record that claims the names of a transcript's files, then the files."""
    _save_record(job, {"made_of": None})
    for form in job.request.formats:
        with atomic_text(job.output(form)) as stream:
            pieces = format_transcript(transcript, form, job.request.cues)
            stream.writelines(pieces)


def write_record(job: Job, transcript: Transcript) -> None:
    """Record what the outputs were made from, after they were written."""
    segments = [(s.start_s, s.end_s, s.text) for s in transcript.segments]
    record = {"made_of": _describe(job), "segments": segments}
    _save_record(job, record)


def check_outputs(jobs: Iterable[Job]) -> None:
    """Check that no file that another program wrote would be replaced.

    Raises:
        FileExistsError: A file has the name of an output and was not written here.
    """
    for job in jobs:
        paths = [job.output(form) for form in job.request.formats]
        found = [path for path in paths if path.exists()]
        if found and not job.record.is_file():
            raise FileExistsError(
                f"{found[0]}: exists and was not written by `hamzaban transcribe`; "
                "give another --output_dir, or move it away"
            )


def _save_record(job: Job, record: dict[str, Any]) -> None:
    with atomic_text(job.record) as stream:
        json.dump(record, stream, ensure_ascii=False)


def read_recordings(jobs: Iterable[Job]) -> Iterator[Recording]:
    """Yield the recordings whose transcripts are complete."""
    for job in jobs:
        record = read_record(job.record)
        if record is not None and record.get("made_of") == _describe(job):
            yield Recording(job.name, Path(job.path), record["segments"])


def _rename_same(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    """Return names; those that occur more than once, in any case, are replaced."""
    counts = Counter(name.casefold() for name in names)
    pairs = zip(names, longer, strict=True)
    return [new if counts[name.casefold()] > 1 else name for name, new in pairs]


def _describe(job: Job) -> list[str]:
    return [job.key, *map(str, _identify(Path(job.path)))]


def _identify(path: Path) -> tuple[str, int, int]:
    """Return the path, size and time of a file, which show whether it changed."""
    try:
        found = path.stat()
    except OSError:
        return str(path.absolute()), -1, -1
    return str(path.absolute()), found.st_size, found.st_mtime_ns


def _each_model_file(model: Path, request: ModelRequest) -> Iterator[Path]:
    if not model.is_dir():
        yield model
        return
    names = {request.asr_model, "config.yaml"}
    for path in model.iterdir():
        if path.name in names or path.suffix in _WEIGHTS:
            yield path


def _each_search_file(search: SearchRequest) -> Iterable[Path]:
    named = (
        *(search.inference_config, search.weights, search.word_list),
        search.confidence,
    )
    yield from (path for path in named if path is not None)
    if search.lm_dir is not None:
        yield from (path for path in search.lm_dir.rglob("*") if path.is_file())
