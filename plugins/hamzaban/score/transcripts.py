"""Read transcripts to score: Kaldi text, trn, JSON lines, or stm with ctm."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.score.notation import make_text
from hamzaban.score.time_marked import pair_time_marked
from hamzaban.score.trn import (
    find_speakers,
    format_trn_ids,
    get_speaker,
    read_lines,
    read_text,
    read_trn,
)

# Names of the fields of JSON lines; the first one that a line has is used.
JSON_KEYS: Mapping[str, Sequence[str]] = {
    "id": ("utt_id", "id", "key", "audio_filepath", "audio"),
    "ref": ("ref", "reference", "text", "sentence", "transcript"),
    "hyp": ("hyp", "hypothesis", "pred_text", "prediction", "text"),
    "speaker": ("speaker", "spk_id", "speaker_id", "client_id"),
}


@dataclass(frozen=True)
class Transcripts:
    """The content of a file of transcripts.

    Attributes:
        texts: Text of each utterance id, in the order of the file.
        speakers: Speaker of each utterance for which the file has one.
        trn_ids: Ids for trn files, if the file has them.
    """

    texts: dict[str, str]
    speakers: dict[str, str] = field(default_factory=dict)
    trn_ids: dict[str, str] = field(default_factory=dict)


def read_both(
    ref: str | Path,
    hyp: str | Path,
    utt2spk: str | Path | None = None,
    keys: Mapping[str, str] | None = None,
    *,
    case_sensitive: bool = False,
    id_type: str = "auto",
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return references and hypotheses, read from two files.

    The end of a file's name determines its form: `.trn`, `.jsonl` or `.json`, or `.stm`
    for references with `.ctm` for hypotheses. Any other file is Kaldi's `text`.

    Args:
        ref: File of the references.
        hyp: File of the hypotheses, paired by id, or by time if it is a ctm.
        utt2spk: Kaldi's file of speakers; without it, speakers are those that the
            references name, or each utterance is a speaker.
        keys: Fields of JSON lines, for `id`, `ref`, `hyp`, `speaker`.
        case_sensitive: Tell ids apart that differ in case only.
        id_type: Type of the ids in trn files, a name of `ID_TYPES`, or `auto`.

    Returns:
        The text of each reference and hypothesis, and the trn id of each utterance.

    Raises:
        ValueError: A file is malformed, or the two forms do not pair.
    """
    forms = [_get_form(path) for path in (ref, hyp)]
    if ("stm" in forms or "ctm" in forms) and forms != ["stm", "ctm"]:
        raise ValueError(
            f"{ref}, {hyp}: forms {forms[0]} and {forms[1]} do not pair; a ctm has "
            "times in place of ids and needs an stm as --ref"
        )
    if forms[0] == "stm":
        segments, heard = pair_time_marked(ref, hyp, case_sensitive=case_sensitive)
        texts = {segment.utt_id: segment.text for segment in segments}
        speakers = {segment.utt_id: segment.speaker for segment in segments}
        refs = Transcripts(texts, speakers, {utt: f"({utt})" for utt in texts})
    else:
        refs = read_transcripts(ref, "ref", keys, id_type=id_type)
        heard = read_transcripts(hyp, "hyp", keys, id_type=id_type).texts
        if forms == ["trn", "trn"] and not case_sensitive:
            heard = _match_ids(refs.texts, heard)
    return refs.texts, heard, _read_trn_ids(refs, utt2spk)


def read_transcripts(
    path: str | Path,
    role: str,
    keys: Mapping[str, str] | None = None,
    *,
    id_type: str = "auto",
) -> Transcripts:
    """Read Kaldi's text, a trn file or JSON lines.

    Args:
        path: The file.
        role: `ref` or `hyp`, which determines the field of JSON lines to read.
        keys: Fields of JSON lines.
        id_type: Type of the ids in trn files, a name of `ID_TYPES`, or `auto`.

    Raises:
        ValueError: The file does not have the form that its name ends in.
    """
    form = _get_form(path)
    if form == "trn":
        lines = {name[1:-1]: tokens for name, tokens in read_trn(path).items()}
        speakers = find_speakers(list(lines), id_type, path)
        trn_ids = {utt_id: f"({utt_id})" for utt_id in lines}
        if any(get_speaker(t) != speakers[utt_id] for utt_id, t in trn_ids.items()):
            trn_ids = format_trn_ids(speakers)
        texts = {utt_id: make_text(tokens) for utt_id, tokens in lines.items()}
        return Transcripts(texts, speakers, trn_ids)
    if form == "json":
        return _read_json_lines(path, role, keys or {})
    return Transcripts(read_text(path))


def parse_json_keys(text: str) -> dict[str, str]:
    """Return the names of JSON fields in text such as `id=name,hyp=output`.

    Raises:
        ValueError: The text does not have this form.
    """
    keys = {}
    for item in filter(None, text.split(",")):
        name, equals, value = item.partition("=")
        if name not in JSON_KEYS or not equals or not value:
            raise ValueError(
                f"--json_keys '{item}': expected NAME=FIELD with a NAME of "
                f"{', '.join(JSON_KEYS)}, separated by commas"
            )
        keys[name] = value
    return keys


def _match_ids(refs: Mapping[str, str], hyps: Mapping[str, str]) -> dict[str, str]:
    """Return hypotheses with the ids of references that differ in case only."""
    by_name = {utt_id.lower(): utt_id for utt_id in refs}
    return {
        utt_id if utt_id in refs else by_name.get(utt_id.lower(), utt_id): text
        for utt_id, text in hyps.items()
    }


def _get_form(path: str | Path) -> str:
    suffix = Path(path).suffix.lower().removeprefix(".")
    form = "json" if suffix == "jsonl" else suffix
    return form if form in ("trn", "json", "stm", "ctm") else "text"


def _read_trn_ids(refs: Transcripts, utt2spk: str | Path | None) -> dict[str, str]:
    if utt2spk is not None:
        speakers = read_text(utt2spk)
        try:
            return format_trn_ids(speakers)
        except ValueError as error:
            raise ValueError(f"{utt2spk}: {error}") from error
    if refs.trn_ids:
        return refs.trn_ids
    return format_trn_ids({utt: refs.speakers.get(utt, utt) for utt in refs.texts})


def _read_json_lines(
    path: str | Path, role: str, keys: Mapping[str, str]
) -> Transcripts:
    """Return the transcripts of a file with a JSON object on each line."""
    found = Transcripts({})
    numbers: dict[str, int] = {}
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{path}:{number}: no JSON ({error}); expected an object on each line"
            ) from error
        if not isinstance(record, dict):
            raise ValueError(f"{path}:{number}: no JSON object; expected one per line")
        place = f"{path}:{number}"
        utt_id = "_".join(str(_get_field(record, "id", keys, place)).split())
        if not utt_id or utt_id in found.texts:
            first = f"occurs twice, first on line {numbers.get(utt_id)}"
            raise ValueError(
                f"{place}: id '{utt_id}' {first if utt_id else 'is empty'}; another "
                "field is chosen by --json_keys id=FIELD"
            )
        numbers[utt_id] = number
        text = _get_field(record, role, keys, place)
        if not isinstance(text, str):
            raise ValueError(f"{place}: the text is {text!r}, expected a string")
        found.texts[utt_id] = text
        names = [keys["speaker"]] if "speaker" in keys else JSON_KEYS["speaker"]
        for name in names:
            if name in record:
                found.speakers[utt_id] = str(record[name])
                break
    return found


def _get_field(
    record: Mapping[str, object], name: str, keys: Mapping[str, str], place: str
) -> object:
    wanted = [keys[name]] if name in keys else JSON_KEYS[name]
    for key in wanted:
        if key in record:
            return record[key]
    raise ValueError(
        f"{place}: no field {' or '.join(wanted)}; it has {', '.join(record)}; "
        f"choose one by --json_keys {name}=FIELD"
    )
