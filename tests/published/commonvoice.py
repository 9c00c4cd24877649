"""Common Voice in the layouts of 7.0, 14.0, 16.1, 25.0 and 27.0, with planted leaks."""

import hashlib
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

from published.speech import draw_sentences, write_audio, write_lines

OLD = "client_id path sentence up_votes down_votes age gender"
NEW = (
    "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender"
)
COLUMNS = {
    "7.0": f"{OLD} accent locale segment",
    "14.0": f"{OLD} accents variant locale segment",
    "16.1": f"{OLD} accents variant locale segment",
    "25.0": f"{NEW} accents variant locale segment",
    "27.0": f"{NEW} accents variant locale segment",
}
DATES = {
    "7.0": "2021-07-21",
    "14.0": "2023-06-23",
    "16.1": "2023-12-06",
    "25.0": "2026-03-09",
    "27.0": "2026-09-11",
}
FS = 32000
LEAKS = ("punctuation", "letters", "near", "speaker")


@dataclass(frozen=True)
class Clip:
    """A clip: its speaker and sentence, the number in its file name, and its tables."""

    speaker: str
    sentence: str
    number: int
    tables: tuple[str, ...] = ("validated",)
    leak: str = ""

    @property
    def client_id(self) -> str:
        return hashlib.sha512(self.speaker.encode()).hexdigest()

    def name(self, lang: str) -> str:
        return f"common_voice_{lang}_{self.number}.mp3"


def make_clips(num_train: int = 24) -> list[Clip]:
    """Return Persian clips of 4 speakers to train on, 2 of dev and 2 of test, with
    leaks."""
    sentences = iter(draw_sentences("fa", num_train + 20))
    clips = []
    for k in range(num_train):
        tables = ("validated", "train") if k % 3 == 0 else ("validated",)
        clips.append(Clip(f"train{k % 4}", next(sentences), 100 + k, tables))
    for part in ("dev", "test"):
        for k in range(6):
            clip = Clip(f"{part}{k % 2}", next(sentences), 0, ("validated", part))
            clips.append(replace(clip, number=(200 if part == "dev" else 300) + k))
    held = {clip.number: clip for clip in clips}
    test = held[300].sentence
    leaks = {
        "punctuation": f"«{test.replace(' ', '، ', 1)}»!",
        "letters": held[201].sentence.replace("ی", "ي").replace("ک", "ك") + ".",
        "near": held[302].sentence + " ا",
        "speaker": next(sentences),
    }
    for k, (kind, sentence) in enumerate(leaks.items()):
        speaker = "test0" if kind == "speaker" else f"train{k % 4}"
        clips.append(Clip(speaker, sentence, 400 + k, leak=kind))
    clips.append(Clip("train1", "سلام \"باب\" و 'نور' خانه کتاب باب", 500))
    clips.append(Clip("train2", next(sentences), 600, ("invalidated",)))
    clips.append(Clip("new", next(sentences), 601, ("other",)))
    clips.append(Clip("dev0", next(sentences), 602, ("other",)))
    return clips


def make_release(root: Path, version: str, clips: list[Clip], lang: str = "fa") -> Path:
    """Write a release below `root`; return the folder of the language."""
    folder = root / f"cv-corpus-{version}-{DATES[version]}" / lang
    durations = {
        clip.name(lang): write_audio(
            folder / "clips" / clip.name(lang), clip.sentence, FS, clip.number
        )
        for clip in clips
    }
    header = COLUMNS[version].split()
    for table in ("validated", "train", "dev", "test", "invalidated", "other"):
        rows = [_row(clip, header, lang) for clip in clips if table in clip.tables]
        write_lines(folder / f"{table}.tsv", ["\t".join(header), *rows])
    write_lines(folder / "reported.tsv", ["sentence\tsentence_id\tlocale\treason"])
    millis = [f"{name}\t{round(1000 * s)}" for name, s in durations.items()]
    if version == "14.0":
        write_lines(folder / "times.txt", millis)
    if float(version) >= 16.1:
        write_lines(folder / "clip_durations.tsv", ["clip\tduration[ms]", *millis])
    if float(version) >= 17:
        head = "sentence_id\tsentence\tvariant\tsentence_domain\tsource\tis_used"
        write_lines(folder / "validated_sentences.tsv", [f"{head}\tclips_count"])
        write_lines(folder / "unvalidated_sentences.tsv", [head])
    if float(version) >= 25:
        write_lines(folder / "README.md", ["# Persian"])
    return folder


def _row(clip: Clip, header: list[str], lang: str) -> str:
    values = dict.fromkeys(header, "") | {
        "client_id": clip.client_id,
        "path": clip.name(lang),
        "sentence": clip.sentence,
        "up_votes": "2",
        "down_votes": "0",
        "locale": lang,
    }
    if "sentence_id" in values:
        values["sentence_id"] = hashlib.sha256(clip.sentence.encode()).hexdigest()
    return "\t".join(values[name] for name in header)


def pack(folder: Path, target: Path) -> Path:
    """Pack a language's folder as it is distributed: sorted, clips before most
    tables."""
    release = folder.parent.name
    target.mkdir(parents=True, exist_ok=True)
    archive = target / f"{release}-{folder.name}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            name = f"{release}/{folder.name}/{path.relative_to(folder)}"
            tar.add(path, name, recursive=False)
    return archive


def make_commonvoice(root: Path) -> Path:
    """Write a current release of Persian as the tarball that is distributed."""
    folder = make_release(root / "made", "27.0", make_clips())
    archive = pack(folder, root)
    return archive.rename(
        root / "common-voice-scripted-speech-27-0-persia-0c0b9a1.tar.gz"
    )
