"""Work divided among jobs by ids: the same output for any number of them."""

import argparse
import random
from pathlib import Path

import mine_media
import numpy as np
import pytest
import soundfile

from hamzaban.bin import format_audio, mine_audio
from hamzaban.launch.sharding import Shard, parse_shard, shard_of


def test_the_shard_of_an_id_depends_on_no_other_id_and_no_order():
    names = [f"utt é {n}" for n in range(1000)]
    before = {name: shard_of(name, 8) for name in names}
    random.Random(0).shuffle(names)
    assert {name: shard_of(name, 8) for name in names[:500]}.items() <= before.items()
    sizes = [list(before.values()).count(n) for n in range(1, 9)]
    assert sum(sizes) == 1000
    assert min(sizes) > 80


def test_a_shard_is_written_as_number_and_count():
    assert parse_shard("3/8") == Shard(3, 8)
    for text in ("0/8", "9/8", "8", "a/b", "1/0"):
        with pytest.raises(argparse.ArgumentTypeError, match="a form such as 3/8"):
            parse_shard(text)


@pytest.fixture
def data_dir(tmp_path):
    """A data directory of 30 short recordings, one of them unreadable."""
    folder = tmp_path / "data é"
    (folder / "wav").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(30):
        path = folder / "wav" / f"{number}.wav"
        soundfile.write(path, rng.normal(0, 0.1, 4000 + 100 * number), 16000)
        rows.append((f"spk-{number:02}", str(path)))
    Path(rows[7][1]).write_bytes(b"no audio")
    for name, values in (
        ("wav.scp", rows),
        ("text", [(utt_id, "سلام") for utt_id, _ in rows]),
        ("utt2spk", [(utt_id, "spk") for utt_id, _ in rows]),
        ("spk2utt", [("spk", " ".join(utt_id for utt_id, _ in rows))]),
    ):
        lines = "".join(f"{key} {value}\n" for key, value in values)
        (folder / name).write_text(lines, encoding="utf-8")
    return folder


def read_tree(folder: Path, new: str = "") -> dict[str, bytes]:
    """Return the files of a folder, with its own name replaced in tables."""
    return {
        str(path.relative_to(folder)): path.read_bytes().replace(
            str(folder).encode(), new.encode()
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_formatted_audio_is_the_same_for_any_number_of_shards(data_dir, tmp_path):
    trees = []
    for count in ("1", "3", "5"):
        out = tmp_path / f"out{count}"
        words = [str(data_dir), str(out), "--shards", count]
        assert format_audio.main(words) == 0
        trees.append(read_tree(out))
    assert trees[0] == trees[1] == trees[2]
    assert len(trees[0]) > 29
    assert sorted(path.name for path in (tmp_path / "log").iterdir())[:3] == [
        f"format-audio_out3.{number}.log" for number in (1, 2, 3)
    ]


@pytest.mark.slow
def test_shards_continue_what_a_whole_run_began_and_the_other_way(data_dir, tmp_path):
    """Neither makes audio again that the other has made."""
    out = tmp_path / "out"
    format_audio.main([str(data_dir), str(out), "--shard", "1/2"])
    made = {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")}
    assert 0 < len(made) < 29
    assert not (out / "wav.scp").exists()
    format_audio.main([str(data_dir), str(out)])
    first = {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")}
    assert len(first) == 29
    assert made.items() <= first.items()
    format_audio.main([str(data_dir), str(out), "--shards", "4"])
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")} == first
    assert not (out / "shards").exists()


@pytest.mark.slow
def test_mined_speech_is_the_same_for_any_number_of_shards(tmp_path, caplog):
    """A shard whose media are mined already is no job again."""
    caplog.set_level("INFO")
    media = tmp_path / "media"
    for number, spk_id in enumerate(("spk01", "spk02", "spk03")):
        speech = mine_media.read_speech(spk_id, 20)
        mine_media.write_media(media / f"é {number}.wav", speech)
    config = mine_media.make_config(tmp_path)
    names = [str(path) for path in media.iterdir()]
    trees = []
    for count in (1, 3):
        out = tmp_path / f"out{count}"
        words = [str(media), "--output_dir", str(out), "--config", str(config)]
        assert mine_audio.main([*words, "--shards", str(count)]) == 0
        found = read_tree(out)
        trees.append({name: found[name] for name in found if "state/" not in name})
    assert trees[0] == trees[1]
    assert sum(name.endswith(".flac") for name in trees[0]) > 3
    changed = max(names)
    soundfile.write(changed, mine_media.read_speech("spk04", 20), 16000)
    before = set((tmp_path / "log").iterdir())
    assert mine_audio.main([*words, "--shards", "3"]) == 0
    assert "1 of 3 shards are incomplete" in caplog.text
    [kept] = set((tmp_path / "log").iterdir()) - before
    assert kept.name == f"mine-audio_out3.{shard_of(changed, 3)}.log.1"
