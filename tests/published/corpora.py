"""FLEURS, the corpora of N. Halabi, MASC, MGB-2, SLR108 and Parquet, as published."""

import tarfile
from collections.abc import Callable
from pathlib import Path

from published.speech import draw_sentences, write_audio, write_lines

MASC = ("clean", "noisy")
BUCKWALTER = dict(zip("سلامدنيبكتور", "slAmdnybktwr", strict=True))


def to_buckwalter(text: str) -> str:
    return "".join(BUCKWALTER.get(char, char) for char in text)


def make_fleurs(root: Path, lang: str = "fa_ir", tarred: bool = True) -> Path:
    """Write FLEURS as in google/fleurs: tables without column names, a tarball per
    set."""
    folder = root / "data" / lang
    sentences = iter(draw_sentences("fa", 30))
    for part, count in (("train", 20), ("dev", 5), ("test", 5)):
        rows = []
        for k in range(count):
            sentence, name = next(sentences), f"{len(part)}{k:09d}.wav"
            seconds = write_audio(folder / "audio" / part / name, sentence, seed=k)
            fields = [str(k), name, f"{sentence}، 2010.", f"{sentence} 2010", "|"]
            rows.append("\t".join([*fields, str(round(16000 * seconds)), "FEMALE"]))
        write_lines(folder / f"{part}.tsv", rows)
        if tarred:
            audio = folder / "audio" / part
            with tarfile.open(audio.with_suffix(".tar.gz"), "w:gz") as tar:
                tar.add(audio, part)
            for path in audio.iterdir():
                path.unlink()
            audio.rmdir()
    return root


def make_arabic_speech_corpus(root: Path) -> Path:
    """Write 48 kHz audio with Buckwalter text (theh as ^, pauses as dashes) and a test
    set."""
    sentences = iter(draw_sentences("ar", 36))
    for folder, count in ((root, 30), (root / "test set", 6)):
        lines = []
        for k in range(count):
            sentence = next(sentences)
            name = f"ARA NORM  {k:04d}.wav"
            write_audio(folder / "wav" / name, sentence, 48000, k)
            words = to_buckwalter(sentence).split()
            words[1] = f"- {words[1]}a~"
            lines.append(f'"{name}" "{" ".join(words)} ^"')
        write_lines(folder / "orthographic-transcript.txt", lines)
        write_lines(folder / "phonetic-transcript.txt", ['"x.wav" "sil s a"'])
    return root


def make_persian_speech_corpus(root: Path) -> Path:
    lines = []
    for k, sentence in enumerate(draw_sentences("fa", 30)):
        write_audio(root / "wav" / f"PER NORM {k:04d}.wav", sentence, 48000, k)
        lines.append(f'"PER NORM {k:04d}.wav" "{sentence}"')
    write_lines(root / "orthographic-transcript.txt", lines)
    return root


def make_masc(root: Path) -> Path:
    """Write videos with rolling captions, and dev and test segments except each first
    one."""
    sentences = iter(draw_sentences("ar", 80))
    for kind in MASC:
        for part, count in (("train", 6), ("dev", 2), ("test", 2)):
            rows = ["video_id,category,video_duration,channel_id"]
            segments = ["video_id,start,end,duration,text"]
            for k in range(count):
                video = f"-{kind}_{part}{k}"
                said = [next(sentences) for _ in range(4)]
                write_audio(root / "audios" / f"{video}.wav", " ".join(said), seed=k)
                write_lines(root / "subtitles" / f"{video}.ar.vtt", _captions(said))
                rows.append(f"{video},news,9.5,UC1")
                start_s = 0.0
                for n, sentence in enumerate(said):
                    end_s = start_s + 0.3 * len(sentence.split())
                    span = f"{start_s:.2f},{end_s:.2f},{end_s - start_s:.2f}"
                    segments += [f'{video},{span},"{sentence}, !"'] if n else []
                    start_s = end_s
            meta = "" if part == "train" else "_meta"
            if meta:
                write_lines(root / "subsets" / f"{kind}_{part}.csv", segments)
            write_lines(root / "subsets" / f"{kind}_{part}{meta}.csv", rows)
    return root


def _captions(sentences: list[str]) -> list[str]:
    lines, start_s = ["WEBVTT", "Kind: captions", ""], 0.0
    for k, sentence in enumerate(sentences):
        end_s = start_s + 0.3 * len(sentence.split())
        begin_s = max(0.0, start_s - 0.1)  # overlaps the previous caption
        lines.append(f"00:00:{begin_s:06.3f} --> 00:00:{end_s:06.3f} align:start")
        words = sentence.split()
        lines += [f"{k}] <c>{words[0]}</c>", " ".join(words[1:]) + "&lrm;", ""]
        start_s = end_s
    return lines


def make_mgb2(root: Path) -> Path:
    """Write XML with match error rates for train, Kaldi files in Buckwalter for the
    rest."""
    sentences = iter(draw_sentences("ar", 50))
    for k in range(3):
        name = f"0{k}A-BC"
        said = [next(sentences) for _ in range(8)]
        write_audio(root / "train" / "wav" / f"{name}.wav", " ".join(said), seed=k)
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            "<transcript><body><segments>",
        ]
        start_s = 0.0
        for n, sentence in enumerate(said):
            end_s = start_s + 0.3 * len(sentence.split())
            utt = f"{name.replace('-', '_')}_utt_{n + 1}_align"
            who = f"{name.replace('-', '_')}_speaker{n % 2}_align"
            wmer = 95.0 if n == 0 else 12.5
            lines.append(
                f'<segment id="{utt}" starttime="{start_s:.2f}" endtime="{end_s:.2f}" '
                f'who="{who}" AWD="0.3" PMER="1.0" WMER="{wmer}">'
            )
            lines += [f'<element type="word">{w}</element>' for w in sentence.split()]
            lines.append("</segment>")
            start_s = end_s
        lines.append("</segments></body></transcript>")
        write_lines(root / "train" / "xml" / "utf8" / f"{name}.xml", lines)
    for part in ("dev", "test"):
        said = [next(sentences) for _ in range(4)]
        write_audio(root / part / "wav" / f"{part}1.wav", " ".join(said))
        text, segments, start_s = [], [], 0.0
        for n, sentence in enumerate(said):
            end_s = start_s + 0.3 * len(sentence.split())
            text.append(f"{part}1_{n:04d} {to_buckwalter(sentence)}")
            segments.append(f"{part}1_{n:04d} {part}1 {start_s:.2f} {end_s:.2f}")
            start_s = end_s
        write_lines(root / part / "wav.scp", [f"{part}1 wav/{part}1.wav"])
        write_lines(root / part / "text.non_overlap_speech", text)
        write_lines(root / part / "segments.non_overlap_speech", segments)
    return root


def make_mediaspeech(root: Path) -> Path:
    for k, sentence in enumerate(draw_sentences("ar", 30)):
        write_audio(root / f"{k:08x}-ab12.flac", sentence, 16000, k)
        (root / f"{k:08x}-ab12.txt").write_text(sentence, encoding="utf-8")
    return root


def make_parquet(root: Path, lang: str, samples: bool = False) -> Path:
    """Write Parquet with audio bytes in train and valid, or with samples in one set."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import soundfile

    sentences = iter(draw_sentences(lang, 36))
    for part, count in (("train", 30), ("valid", 6)):
        rows = []
        for k in range(count):
            sentence = next(sentences)
            audio = root.parent / "audio" / f"{part}{k}.flac"
            seconds = write_audio(audio, sentence, 16000, k)
            if samples:
                values = soundfile.read(audio)[0].tolist()
                row = {"file name": audio.name, "transcript": sentence}
                row |= {"duration": seconds, "match quality": "HIGH", "CER": 0.0}
                rows.append(row | {"audio": values, "samplerate": 16000.0})
            else:
                content = {"bytes": audio.read_bytes(), "path": audio.name}
                row = {"audio_filepath": content, "text": sentence, "lang": lang}
                rows.append(
                    row | {"duration": seconds, "speaker_id": f"S{part}{k % 5}"}
                )
        name = f"{part}-00000-of-00001.parquet"
        name = f"dataset_part_{len(part)}.parquet" if samples else name
        path = root / ("dataset" if samples else ".") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path)
    return root


# For each recipe: the variable of its db.sh, the function that makes its corpus,
#     options.
RECIPES: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "arabic_speech_corpus": (
        "ARABIC_SPEECH_CORPUS",
        make_arabic_speech_corpus,
        "--check_counts false",
    ),
    "fleurs": ("FLEURS", make_fleurs, "--check_counts false"),
    "indicvoices_ur": ("INDICVOICES", lambda root: make_parquet(root, "ur"), ""),
    "kathbath_ur": ("KATHBATH", lambda root: make_parquet(root, "ur"), ""),
    "manatts": ("MANATTS", lambda root: make_parquet(root, "fa", True), ""),
    "masc": ("MASC", make_masc, ""),
    "mediaspeech_ar": ("MEDIASPEECH", make_mediaspeech, ""),
    "mgb2": ("MGB2", make_mgb2, "--check_counts false"),
    "persian_speech_corpus": (
        "PERSIAN_SPEECH_CORPUS",
        make_persian_speech_corpus,
        "--check_counts false",
    ),
}
