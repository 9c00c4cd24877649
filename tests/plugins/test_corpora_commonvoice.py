"""Releases of Common Voice: layouts, leaks, subsets by hours, tarballs."""

import pytest
import soundfile

from hamzaban.bin.prepare_corpus import main
from hamzaban.data.files import read_scp
from published.commonvoice import COLUMNS, Clip, make_clips, make_release, pack

pytestmark = pytest.mark.slow

CLIPS = make_clips()
TRAIN = {clip.number for clip in CLIPS if 100 <= clip.number < 200} | {500}


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpora آ b")
    return {version: make_release(root, version, CLIPS) for version in COLUMNS}


def prepare(source, output, *options):
    words = ["commonvoice", str(source), "--output", str(output), "--lang", "fa"]
    return main([*words, "--check_counts", "false", *options])


def numbers(data_dir):
    names = [utt_id for utt_id, _ in read_scp(data_dir / "utt2spk")]
    return {int(name.rsplit("_", 1)[1]) for name in names}


@pytest.mark.slow
@pytest.mark.parametrize("version", COLUMNS)
def test_train_shares_no_speaker_or_sentence_with_valid_and_test(
    releases, version, tmp_path
):
    assert prepare(releases[version], tmp_path) == 0
    assert numbers(tmp_path / "train") == TRAIN
    assert numbers(tmp_path / "valid") == set(range(200, 206))
    assert numbers(tmp_path / "test") == set(range(300, 306))
    text = dict(read_scp(tmp_path / "train" / "text"))
    clip = next(clip for clip in CLIPS if clip.number == 500)
    utt_id = f"{clip.client_id[:16]}-common_voice_fa_500"
    assert text[utt_id] == clip.sentence  # quotes are letters, nothing is normalized
    assert dict(read_scp(tmp_path / "train" / "utt2lang"))[utt_id] == "fa"


@pytest.mark.slow
def test_what_is_left_out_is_counted(releases, tmp_path, caplog):
    caplog.set_level("INFO")
    prepare(releases["25.0"], tmp_path)
    said = next(m for m in caplog.messages if m.startswith("train of"))
    assert "12 left out: of valid or test" in said
    assert "1 left out: speaker of valid or test" in said
    assert "2 left out: sentence of valid or test" in said
    assert "1 left out: nearly a sentence of valid or test" in said


@pytest.mark.slow
def test_train_can_be_the_published_one(releases, tmp_path):
    prepare(releases["16.1"], tmp_path, "--train_from", "train")
    assert numbers(tmp_path / "train") == set(range(100, 124, 3))


def test_speech_nobody_validated_becomes_a_set_without_transcripts(releases, tmp_path):
    prepare(releases["16.1"], tmp_path, "--unlabelled", "true")
    assert numbers(tmp_path / "unlabelled") == {601}  # not dev0's
    assert not (tmp_path / "unlabelled" / "text").exists()


def test_apart_has_no_sentence_of_the_unlabelled_speech(tmp_path, caplog):
    caplog.set_level("INFO")
    held = [clip for clip in CLIPS if {"dev", "test"} & set(clip.tables)]
    same, near, apart = (clip for clip in CLIPS if 100 <= clip.number < 103)
    other = [
        Clip("new", f"{same.sentence}!", 700, ("other",)),
        Clip("dev0", f"{near.sentence} ا", 701, ("other",)),  # a speaker of valid
    ]
    again = Clip("train3", same.sentence, 104)
    clips = [same, near, apart, again, *held, *other]
    release = make_release(tmp_path, "25.0", clips)
    prepare(release, tmp_path, "--apart", "true", "--suffix", "_fa")
    assert numbers(tmp_path / "train_fa") == {100, 101, 102, 104}
    (pair,) = read_scp(tmp_path / "apart_fa")
    assert pair[0].endswith("_102") and pair[1] == apart.sentence
    said = next(m for m in caplog.messages if m.startswith("apart_fa of"))
    assert "2 left out: sentence of other.tsv" in said
    assert "1 left out: nearly a sentence of other.tsv" in said


@pytest.mark.parametrize("version", ["7.0", "14.0", "25.0"])
def test_hours_limit_train_and_take_many_speakers(releases, version, tmp_path):
    wanted_s = 8.0
    prepare(releases[version], tmp_path, "--hours", str(wanted_s / 3600))
    clips = [path for _, path in read_scp(tmp_path / "train" / "wav.scp")]
    durations = [soundfile.info(path).duration for path in clips]
    assert wanted_s - 0.2 <= sum(durations) <= wanted_s + max(durations) + 0.2
    speakers = {spk for _, spk in read_scp(tmp_path / "train" / "utt2spk")}
    assert len(speakers) == min(4, len(clips))
    assert numbers(tmp_path / "train") <= TRAIN


def test_the_seed_decides_which_hours(releases, tmp_path):
    chosen = []
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        prepare(releases["25.0"], tmp_path / name, "--hours", "0.002", "--seed", seed)
        chosen.append(numbers(tmp_path / name / "train"))
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize("version", ["7.0", "25.0"])
def test_a_tarball_and_its_folder_give_the_same_sets(releases, version, tmp_path):
    archive = pack(releases[version], tmp_path)
    unpacked = tmp_path / "unpacked"
    for name, source in (("folder", releases[version]), ("tar", archive)):
        options = ["--hours", "0.003", "--unpack_dir", str(unpacked)]
        prepare(source, tmp_path / name, *options)
    for part in ("train", "valid", "test"):
        for file in ("text", "utt2spk"):
            both = [
                (tmp_path / n / part / file).read_bytes() for n in ("folder", "tar")
            ]
            assert both[0] == both[1]
    wav_scp = dict(read_scp(tmp_path / "tar" / "train" / "wav.scp"))
    assert all(soundfile.info(path).frames for path in wav_scp.values())
    clips = list(unpacked.rglob("*.mp3"))
    if version == "25.0":  # durations are known: only what is needed is unpacked
        assert len(clips) == 12 + len(wav_scp)


@pytest.mark.parametrize(
    "name",
    [
        "common-voice-scripted-speech-27-0-persia-0c0b9a16.tar.gz",
        "1789492443485-cv-corpus-27.0-2026-09-11-fa.tar.gz",
    ],
)
def test_a_tarball_is_found_by_its_published_names(releases, tmp_path, name):
    downloads = tmp_path / "my downloads"
    pack(releases["27.0"], downloads).rename(downloads / name)
    pack(releases["14.0"], downloads)  # of another release
    other = make_release(tmp_path, "27.0", CLIPS[-2:], "ur")
    pack(other, downloads).rename(
        downloads / "common-voice-scripted-speech-27-0-urdu-12345678.tar.gz"
    )
    unpacked = tmp_path / "unpacked"
    for source in (downloads, downloads / name):
        words = ["--release", "27.0", "--unpack_dir", str(unpacked)]
        prepare(source, tmp_path / "data", *words)
        assert numbers(tmp_path / "data" / "train") == TRAIN
    assert (unpacked / "cv-corpus-27.0-2026-09-11" / "fa" / "test.tsv").is_file()
    with pytest.raises(ValueError, match="8 clips, expected 30411 in release 27.0"):
        words = ["commonvoice", str(downloads / name), "--output", str(tmp_path)]
        main([*words, "--lang", "fa", "--unpack_dir", str(unpacked)])


def test_a_tarball_that_is_cut_short_is_an_error(releases, tmp_path):
    archive = pack(releases["7.0"], tmp_path)
    archive.write_bytes(archive.read_bytes()[:-9000])
    with pytest.raises(ValueError, match="cannot be read after .* fetch it again"):
        prepare(archive, tmp_path, "--unpack_dir", str(tmp_path / "unpacked"))


def test_a_folder_of_releases_needs_a_choice(releases, tmp_path):
    root = releases["7.0"].parents[1]
    with pytest.raises(
        ValueError, match=r"holds releases 14.0, 16.1, 25.0, 27.0, 7.0;"
    ):
        prepare(root, tmp_path)
    prepare(root, tmp_path, "--release", "14.0")
    assert "corpus-14.0" in (tmp_path / "train" / "wav.scp").read_text()


def test_wrong_places_are_errors_of_one_line(releases, tmp_path):
    with pytest.raises(FileNotFoundError, match="Mozilla Data Collective"):
        prepare(tmp_path / "nowhere", tmp_path)
    with pytest.raises(FileNotFoundError, match="nothing of Common Voice 9.0 for 'fa'"):
        prepare(releases["7.0"].parents[1], tmp_path, "--release", "9.0")
    delta = tmp_path / "cv-corpus-25.0-delta-2026-03-09" / "fa"
    delta.mkdir(parents=True)
    (delta / "validated.tsv").write_text("")
    with pytest.raises(ValueError, match="a delta release has no dev.tsv"):
        prepare(delta, tmp_path)


def test_missing_audio_is_counted_and_too_much_is_an_error(tmp_path):
    folder = make_release(tmp_path, "25.0", CLIPS)
    clips = sorted((folder / "clips").glob("*_1??.mp3"))
    clips[0].unlink()
    prepare(folder, tmp_path / "data")
    for path in clips[1:5]:
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"5 of 41 .*audio of 0 bytes: 4"):
        prepare(folder, tmp_path / "data")


def test_a_table_that_is_cut_short_is_an_error(releases, tmp_path):
    words = ["commonvoice", str(releases["25.0"]), "--output", str(tmp_path)]
    with pytest.raises(ValueError, match="8 clips, expected 30105 in release 25.0"):
        main([*words, "--lang", "fa"])


def test_broken_rows_are_counted(tmp_path, caplog):
    caplog.set_level("INFO")
    folder = make_release(tmp_path, "7.0", CLIPS)
    with open(folder / "validated.tsv", "a", encoding="utf-8") as table:
        table.write("half a row\n")
    prepare(folder, tmp_path / "data")
    assert "1 left out: row with too many or too few fields" in caplog.text
