"""Readers of text for the fuzz tests: corpora, transcripts, configs."""

import json
import random
from pathlib import Path

from fuzzing import Reader

from hamzaban.fileio import atomic_text
from published.speech import draw_sentences, write_audio, write_lines

KALDI = tuple(f"data/{n}" for n in ("wav.scp", "text", "utt2spk", "spk2utt"))
KALDI = (*KALDI, "data/segments", "data/utt2num_samples", "data/utt2lang")
TRANSCRIPTS = ("hyp.trn", "ref.trn")
ALLOWED = tuple(f"--allow_{k}=y" for k in ("exact", "near", "speakers"))
MERGE = ("config", "merge", "{}/conf.yaml", "{}/merged.yaml")


def write_data(folder: Path) -> None:
    """Write 8 utterances of 4 recordings and 2 speakers."""
    sentences = draw_sentences("fa", 8)
    lines: dict[str, list[str]] = {Path(name).name: [] for name in KALDI}
    for k in range(4):
        said = sentences[2 * k : 2 * k + 2]
        rec = f"rec{k}"
        path = folder / "audio a" / f"{rec}.wav"
        end_s = write_audio(path, " ".join(said), seed=k)
        lines["wav.scp"].append(f"{rec} {path.relative_to(folder)}")
        middle_s = 0.3 * len(said[0].split())
        for j, (start, stop) in enumerate(((0.0, middle_s), (middle_s, end_s))):
            utt = f"spk{k // 2}-{rec}-{j}"
            lines["segments"].append(f"{utt} {rec} {start:.2f} {stop:.2f}")
            lines["text"].append(f"{utt} {said[j]}")
            lines["utt2spk"].append(f"{utt} spk{k // 2}")
            lines["utt2lang"].append(f"{utt} fa")
            lines["utt2num_samples"].append(f"{utt} {round((stop - start) * 16000)}")
    for k in range(2):
        utts = [line.split()[0] for line in lines["utt2spk"] if line.endswith(f"k{k}")]
        lines["spk2utt"].append(f"spk{k} {' '.join(utts)}")
    for name, content in lines.items():
        write_lines(folder / "data" / name, content)


def write_table(folder: Path) -> None:
    """Write a corpus as csv, tsv and jsonl, 12 utterances of 4 speakers."""
    columns = ["path", "sentence", "speaker", "split", "start_s", "end_s", "lang"]
    rows = []
    for k, sentence in enumerate(draw_sentences("fa", 12)):
        end_s = write_audio(folder / f"u{k:02}.wav", sentence, seed=k)
        split = ("train", "train", "valid", "test")[k % 4]
        rows.append((f"u{k:02}.wav", sentence, f"s{k % 4}", split, 0.0, end_s, "fa"))
    for name, separator in (("table.csv", ","), ("table.tsv", "\t")):
        lines = [separator.join(map(str, row)) for row in (columns, *rows)]
        write_lines(folder / name, lines)
    lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
    write_lines(folder / "table.jsonl", lines)


def write_transcripts(folder: Path) -> None:
    """Write references and hypotheses in each form that score reads."""
    rng = random.Random(0)
    refs = draw_sentences("ur", 10)
    hyps = [" ".join(rng.sample(s.split(), len(s.split()) - 1)) for s in refs]
    for name, sentences in (("ref", refs), ("hyp", hyps)):
        keys = [f"spk{k // 5}-utt{k:02}" for k in range(10)]
        pairs = list(zip(keys, sentences, strict=True))
        write_lines(folder / f"{name}.trn", [f"{s} ({k})" for k, s in pairs])
        write_lines(folder / name, [f"{k} {s}" for k, s in pairs])
        write_lines(
            folder / f"{name}.jsonl",
            [json.dumps({"id": k, "ref": s, "hyp": s}) for k, s in pairs],
        )
    write_lines(folder / "utt2spk", [f"{k} {k[:4]}" for k in keys])
    stm, ctm = [], []
    for k, (ref, hyp) in enumerate(zip(refs, hyps, strict=True)):
        stm.append(f"rec 1 spk{k // 5} {10 * k:.2f} {10 * k + 9:.2f} <o,f0> {ref}")
        for j, word in enumerate(hyp.split()):
            ctm.append(f"rec 1 {10 * k + j:.2f} 0.50 {word} 0.9")
    write_lines(folder / "ref.stm", stm)
    write_lines(folder / "hyp.ctm", ctm)


def write_lines_of_text(folder: Path) -> None:
    """Write sentences for normalize and make-tokens."""
    sentences = [f"{s}، ۱۲۳ [خنده] &amp; A." for s in draw_sentences("fa", 40)]
    write_lines(folder / "sentences", sentences)


def write_stage(folder: Path) -> None:
    """Write a step that is done: its inputs, output and stamp."""
    from hamzaban.cli import run_verb

    write_lines(folder / "in", ["a", "b"])
    write_lines(folder / "wav.scp", [f"a {folder}/in"])
    command = ["cp", f"{folder}/in", f"{folder}/out"]
    words = ["copy", "--in", f"{folder}/in", "--out", f"{folder}/out", "--"]
    assert run_verb("run-stage", [*words, *command]) == 0


def write_scored(folder: Path) -> None:
    """Write the results of score, for the verbs that read them."""
    from hamzaban.cli import run_verb

    write_transcripts(folder)
    exp = folder / "exp" / "decode" / "test"
    words = ["--ref", f"{folder}/ref", "--hyp", f"{folder}/hyp", "--scorer", "own"]
    words += ["--utt2spk", f"{folder}/utt2spk", "--output_dir", str(exp)]
    assert run_verb("score-text", words) == 0


CONFIGS = {
    "audio.yaml": "fs: 8000\naudio_format: wav\nmin_duration_s: 0.2\n"
    "max_duration_s: 20\nspeed_perturb_factors: '1.0'\n",
    "leaks.yaml": "allow_leaks: {exact: read text, near: read text, speakers: few}\n",
    "conditions.yaml": "sets: [data]\nseed: 0\nconditions:\n"
    "    noise_5db: {noise_list: noise.lst, snr_db: 5}\n"
    "    room: {rir_list: noise.lst}\n",
    "grid.yaml": "axes:\n    lang: [ur, fa]\n    start: {a: x, b: y}\n    seed: [0]\n"
    "compared: [start]\nconditions: lang\nrepeats: seed\nmetric: wer\n"
    "variables: {x: ''}\n"
    "cell:\n    command: [echo, '{lang}', '{start}', '{seed}']\n"
    "    inputs: ['{dir}/no']\n    result: '{dir}/result.txt'\n",
    "train.yaml": "frontend: hamzaban_s3prl\nbatch_bins: 60000\noptim: adam\n"
    "optim_conf:\n    lr: 1.0e-2\nmax_epoch: 3\n",
    "conf.yaml": "base: base.yaml\nsearch: {lm_weight: 0.5, beam_size: 50}\n"
    "tune:\n    lm_weight: [0.0, 0.5]\n",
    "base.yaml": "batch_bins: 60000\nsearch:\n    word_score: 1.0\n",
}


def write_configs(folder: Path) -> None:
    """Write the configs and the files that they name."""
    write_data(folder)
    write_lines(folder / "noise.lst", [f"{folder}/audio a/rec0.wav"])
    for name, text in CONFIGS.items():
        with atomic_text(folder / name) as stream:
            stream.write(text)


def data_readers() -> list[Reader]:
    """Return the readers of data directories."""
    out = ("{}/data", "{}/out")
    made = ("out/utt2spk", "out/text", "out/wav.scp")
    commands = {
        "validate-data": (("{}/data",), (), True),
        "copy-data": (out, made, False),
        "subset-data": (("--num_spk", "1", *out), made, False),
        "combine-data": (("{}/out", "{}/data"), made, False),
        "hold-out-data": (("--hours", "0.001", *out, "{}/held"), made, False),
        "normalize-data": (("--lang", "fa", *out), made, False),
        "spell-data": (("--form", "roman", *out), made, False),
        "format-audio": ((*out, "--max_drop", "1"), made, False),
        "audit-text": (("--lang", "fa", "{}/data/text"), (), True),
        "audit-leaks": (
            ("--train_text", "{}/data/text", "--test_text", "{}/data/text", *ALLOWED),
            (),
            True,
        ),
    }
    return [
        Reader(
            f"data directory: {verb}",
            write_data,
            ("data/text",) if verb.startswith("audit") else KALDI,
            (verb, *words),
            outputs=outputs,
            reports=reports,
        )
        for verb, (words, outputs, reports) in commands.items()
    ]


def table_readers() -> list[Reader]:
    """Return the readers of a user's own corpus."""
    sets = tuple(f"out/{part}/utt2spk" for part in ("train", "valid", "test"))
    return [
        Reader(
            f"{name}: import-data",
            write_table,
            (name,),
            ("import-data", f"{{}}/{name}", "--output", "{}/out", "--max_drop", "1"),
            kind="json" if name.endswith("jsonl") else "text",
            outputs=sets,
        )
        for name in ("table.csv", "table.tsv", "table.jsonl")
    ] + [
        Reader(
            "data directory: import-data",
            write_data,
            KALDI,
            ("import-data", "{}/data", "--output", "{}/out", "--max_drop", "1"),
            outputs=sets,
        )
    ]


def score_readers() -> list[Reader]:
    """Return the readers of transcripts and scores."""
    forms = {
        "trn": ("ref.trn", "hyp.trn"),
        "text": ("ref", "hyp"),
        "jsonl": ("ref.jsonl", "hyp.jsonl"),
        "stm and ctm": ("ref.stm", "hyp.ctm"),
    }
    found = [
        Reader(
            f"{form}: score",
            write_transcripts,
            (*names, "utt2spk") if form in ("trn", "text") else names,
            ("score-text", "--ref", f"{{}}/{names[0]}", "--hyp", f"{{}}/{names[1]}")
            + (("--utt2spk", "{}/utt2spk") if form in ("trn", "text") else ())
            + ("--output_dir", "{}/out", "--scorer", "own"),
            kind="json" if form == "jsonl" else "text",
            outputs=("out/score_wer/result.txt",),
        )
        for form, names in forms.items()
    ]
    scored = ("exp/decode/test/score_*/*",)
    verbs = {
        "show-results": ("{}/exp", "--output", "{}/RESULTS.md"),
        "analyse-errors": ("{}/exp/decode/test/score_wer", "--output", "{}/errors.md"),
        "compare-systems": (
            *("a={}/exp/decode/test", "b={}/exp/decode/test"),
            *("--scorer", "own", "--replicates", "100"),
        ),
    }
    return found + [
        Reader(f"scores: {verb}", write_scored, scored, (verb, *words))
        for verb, words in verbs.items()
    ]


def text_readers() -> list[Reader]:
    """Return the readers of plain text."""
    tokens = ("--output_dir", "{}/out", "{}/sentences")
    return [
        Reader(
            "lines: normalize",
            write_lines_of_text,
            ("sentences",),
            ("normalize", "--lang", "fa"),
            stdin="sentences",
        ),
        Reader(
            "lines: make-tokens",
            write_lines_of_text,
            ("sentences",),
            ("make-tokens", "--token_type", "char", *tokens),
            outputs=("out/tokens.txt",),
        ),
    ]


def config_readers() -> list[Reader]:
    """Return the readers of YAML that need no torch."""
    texts = ("--train_text", "{}/data/text", "--test_text", "{}/data/text")
    commands = {
        "format-audio": ("audio", ("{}/data", "{}/out"), ("out/wav.scp",), False),
        "audit-leaks": ("leaks", texts, (), True),
        "make-conditions": (
            "conditions",
            ("--data", "{}"),
            (),
            False,
        ),
        "run-grid": ("grid", ("--dry_run", "true", "--exp_dir", "{}/exp"), (), False),
    }
    found = [
        Reader(
            f"{name}.yaml: {verb}",
            write_configs,
            (f"{name}.yaml",),
            (verb, *words, "--config", f"{{}}/{name}.yaml"),
            kind="yaml",
            outputs=outputs,
            reports=reports,
        )
        for verb, (name, words, outputs, reports) in commands.items()
    ]
    for action, words in (
        ("merge", MERGE),
        ("name", ("name-experiment", "--asr_config", "{}/train.yaml")),
        (
            "estimate",
            (
                "estimate-compute",
                "{}/train.yaml",
                "--batch_hours",
                "1",
                "--updates",
                "9",
            ),
        ),
        ("get", ("config", "get", "{}/conf.yaml", "search.lm_weight")),
    ):
        files = ("conf.yaml", "base.yaml") if "conf.yaml" in str(words) else None
        found.append(
            Reader(
                f"yaml: {words[0]} {action}",
                write_configs,
                files or ("train.yaml",),
                words,
                kind="yaml",
                outputs=("merged.yaml",),
            )
        )
    return found


def record_readers() -> list[Reader]:
    """Return the readers of the package's own records."""
    step = ("--in", "{}/in", "--out", "{}/out", "--", "cp", "{}/in", "{}/out")
    return [
        Reader(
            "stamp: run-stage",
            write_stage,
            (".out.copy.stamp",),
            ("run-stage", "copy", *step),
            kind="json",
        ),
        Reader(
            "stamp: run-stage --explain",
            write_stage,
            (".out.copy.stamp",),
            ("run-stage", "--explain", "{}/.out.copy.stamp"),
            kind="json",
            reports=True,
        ),
    ]


def all_readers() -> list[Reader]:
    """Return the readers of text."""
    return [
        *data_readers(),
        *table_readers(),
        *score_readers(),
        *text_readers(),
        *config_readers(),
        *record_readers(),
    ]
