"""A user's own corpus for tests of import-data, and readers of the result."""

import csv
import json
from pathlib import Path

from hamzaban.bin.import_data import main
from hamzaban.data.files import read_scp
from published.speech import draw_sentences, write_audio, write_lines

SETS = ("train", "valid", "test")
SENTENCES = draw_sentences("sw", 24)


def import_data(source, output, *options):
    return main([str(source), "--output", str(output), *map(str, options)])


def make_table(root: Path, columns=("path", "sentence", "client_id"), name="data.csv"):
    """Write 24 utterances of 6 speakers, 4 for each; no sentence is said twice."""
    rows = []
    for k in range(24):
        spk, sentence = f"spk {k % 6}", SENTENCES[k]
        write_audio(root / "clips" / f"u{k:02}.wav", sentence, seed=k)
        rows.append((f"u{k:02}.wav", f'{sentence}, "ndiyo"', spk)[: len(columns)])
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path


def write_manifest(path: Path, rows) -> Path:
    """Write dicts as JSON lines."""
    write_lines(path, [json.dumps(row, ensure_ascii=False) for row in rows])
    return path


def write_parquet(path: Path, rows) -> Path:
    """Write dicts as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def read_audio(folder: Path, sentence, seed=0) -> bytes:
    """Return a WAV file of a sentence; sentences of equal length give equal sizes."""
    path = folder / "said" / f"{SENTENCES.index(sentence)}-{seed}.wav"
    write_audio(path, sentence, seed=seed)
    return path.read_bytes()


def read_sets(data, name):
    return {part: [v for _, v in read_scp(data / part / name)] for part in SETS}


def assert_disjoint(sets):
    train, valid, test = (set(sets[part]) for part in SETS)
    assert train and valid and test
    assert not (train & valid or train & test or valid & test)
