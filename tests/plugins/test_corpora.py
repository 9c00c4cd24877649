"""Published corpora: which of their utterances come into which set."""

import pytest

from hamzaban.bin.prepare_corpus import list_corpora, main
from hamzaban.data.files import read_scp
from hamzaban.ingest.transcripts import from_buckwalter, read_captions
from hamzaban.ingest.utterances import clean_text
from published import corpora
from published.speech import draw_sentences, write_lines


def prepare(corpus, source, output, *options):
    return main([corpus, str(source), "--output", str(output), *options])


def read_text(folder):
    return dict(read_scp(folder / "text"))


def count(folder):
    return len(read_text(folder))


def test_fleurs_is_read_from_tarballs(tmp_path):
    source = corpora.make_fleurs(tmp_path / "fleurs")
    options = ["--lang", "fa", "--unpack_dir", str(tmp_path / "unpacked")]
    options += ["--check_counts", "false"]
    prepare("fleurs", source, tmp_path, *options)
    assert [count(tmp_path / name) for name in ("train", "valid", "test")] == [20, 5, 5]
    first = f"{draw_sentences('fa', 30)[0]}، 2010."
    assert read_text(tmp_path / "train")["fa_ir-5000000000"] == first
    prepare("fleurs", source, tmp_path, *options, "--transcript", "plain")
    plain = first.replace("،", "").removesuffix(".")
    assert read_text(tmp_path / "train")["fa_ir-5000000000"] == plain


def test_one_part_of_fleurs_is_written_if_asked_for(tmp_path):
    source = corpora.make_fleurs(tmp_path / "fleurs", tarred=False)
    options = ["--lang", "fa", "--check_counts", "false", "--suffix", "_fleurs_fa"]
    prepare("fleurs", source, tmp_path / "data", *options, "--parts", "test")
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["test_fleurs_fa"]


def test_fleurs_checks_counts_and_names_what_is_missing(tmp_path):
    source = corpora.make_fleurs(tmp_path / "fleurs", tarred=False)
    with pytest.raises(ValueError, match="test.tsv: 5 clips, expected 871"):
        prepare("fleurs", source, tmp_path, "--lang", "fa")
    with pytest.raises(FileNotFoundError, match="nothing of FLEURS for 'ur'"):
        prepare("fleurs", source, tmp_path, "--lang", "ur")


def test_arabic_speech_corpus_keeps_its_test_set(tmp_path):
    source = corpora.make_arabic_speech_corpus(tmp_path / "asc é")
    options = ["--check_counts", "false"]
    prepare("arabic_speech_corpus", source, tmp_path, *options)
    sizes = [count(tmp_path / name) for name in ("train", "valid", "test")]
    assert sizes == [29, 1, 6]
    words = draw_sentences("ar", 36)[30].split()
    words[1] += "\u064e\u0651"  # fatha, shadda: NFC's order
    found = read_text(tmp_path / "test")["halabi-ar-ARA_NORM_0000"]
    assert found == " ".join([*words, "ث"])
    with pytest.raises(ValueError, match="30 utterances, expected 1813"):
        prepare("arabic_speech_corpus", source, tmp_path)


def test_persian_speech_corpus_is_split_by_sentence(tmp_path):
    source = corpora.make_persian_speech_corpus(tmp_path / "psc")
    prepare("persian_speech_corpus", source, tmp_path, "--check_counts", "false")
    texts = [read_text(tmp_path / name) for name in ("train", "valid", "test")]
    assert [len(text) for text in texts] == [24, 3, 3]
    write_lines(source / "orthographic-transcript.txt", ["no quotes"])
    with pytest.raises(ValueError, match="orthographic-transcript.txt:1: 'no quotes'"):
        prepare("persian_speech_corpus", source, tmp_path)


@pytest.mark.slow
def test_masc_cuts_by_captions(tmp_path):
    source = corpora.make_masc(tmp_path / "masc")
    prepare("masc", source, tmp_path)
    assert count(tmp_path / "train") == 24
    first, second, *_ = read_scp(tmp_path / "train" / "segments")
    ends = [float(line.split()[2]) for line in (first[1], second[1])]
    assert float(second[1].split()[1]) == ends[0] < ends[1]
    assert read_text(tmp_path / "train")[first[0]] == draw_sentences("ar", 80)[0]
    prepare("masc", source, tmp_path, "--train_kinds", "clean", "noisy")
    assert count(tmp_path / "train") == 48
    (source / "subtitles" / "-clean_train0.ar.vtt").unlink()
    with pytest.raises(ValueError, match="video without subtitles: 1"):
        prepare("masc", source, tmp_path, "--max_drop", "0.04")


def test_masc_holds_out_the_published_segments(tmp_path, caplog):
    source = corpora.make_masc(tmp_path / "masc é")
    prepare("masc", source, tmp_path)
    assert "cut by their subtitles" not in caplog.text
    sets = [f"{part}_{kind}" for part in ("valid", "test") for kind in corpora.MASC]
    assert [count(tmp_path / name) for name in sets] == [6, 6, 6, 6]
    texts = read_text(tmp_path / "valid_clean")
    said = [f"{sentence}, !" for sentence in draw_sentences("ar", 80)[24:32]]
    assert list(texts.values()) == said[1:4] + said[5:]
    table = source / "subsets" / "clean_dev.csv"
    row = table.read_text(encoding="utf-8").splitlines()[1].split(",")
    (_, span), *_ = read_scp(tmp_path / "valid_clean" / "segments")
    assert list(map(float, span.split()[1:])) == [float(row[1]), float(row[2])]
    write_lines(table, ["video_id,start,end,duration,text", "-clean_dev0,x,1,1,y"])
    with pytest.raises(ValueError, match="clean_dev.csv:2: found '-clean_dev0, x"):
        prepare("masc", source, tmp_path)
    table.unlink()
    prepare("masc", source, tmp_path)
    assert count(tmp_path / "valid_clean") == 8
    assert "the videos of clean_dev_meta.csv are cut by their subtitles" in caplog.text


def test_mgb2_takes_well_matched_segments_and_reads_buckwalter(tmp_path, caplog):
    caplog.set_level("INFO")
    source = corpora.make_mgb2(tmp_path / "mgb2")
    prepare("mgb2", source, tmp_path, "--check_counts", "false")
    assert [count(tmp_path / name) for name in ("train", "valid", "test")] == [21, 4, 4]
    assert "3 left out: match error rate above 80" in caplog.text
    said = draw_sentences("ar", 50)
    assert list(read_text(tmp_path / "valid").values()) == said[24:28]
    speakers = {spk for _, spk in read_scp(tmp_path / "train" / "utt2spk")}
    assert len(speakers) == 6
    with pytest.raises(ValueError, match="dev: 4 segments, expected 5002"):
        prepare("mgb2", source, tmp_path)


def test_captions_are_read_with_hours_and_without(tmp_path):
    path = tmp_path / "a.vtt"
    path.write_text(
        "\ufeffWEBVTT\r\n\r\n1\r\n01:00:01.500 --> 01:00:02,000\r\n<b>one</b>\r\n\r\n"
        "00:03.000 --> 00:04.000\n\n00:05.000 --> 00:06.000\ntwo\nthree",
        encoding="utf-8",
    )
    found = [(c.begin_s, c.end_s, c.text) for c in read_captions(path)]
    assert found == [(3601.5, 3602.0, "one"), (5.0, 6.0, "two three")]


def test_buckwalter_is_read_as_its_author_defines_it():
    found = clean_text(from_buckwalter("waraj~aHa Alt~aqoriyru {l>awS"))
    assert found == clean_text("وَرَجَّحَ التَّقْرِيرُ ٱلأَوص")


def test_every_corpus_has_help(capsys):
    for corpus in list_corpora():
        with pytest.raises(SystemExit) as end:
            main([corpus, "--help"])
        assert end.value.code == 0
        assert "--output" in capsys.readouterr().out
