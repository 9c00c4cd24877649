"""decode-asr with a real, tiny wav2vec 2.0 CTC model built by our ESPnet task."""

import json
import shutil

import pytest
import yaml
from rapidfuzz.distance import Levenshtein
from tiny_experiment import (
    MODEL_NAME,
    write_audio,
    write_checkpoint,
    write_experiment,
    write_tokens,
)

from hamzaban.bin.decode_asr import main as decode_asr
from hamzaban.bin.train_lm import main as train_lm
from hamzaban.bin.tune_decoder import main as tune_decoder
from tools import require_tools

pytestmark = pytest.mark.torch

WIDE = "beam_threshold: 1000\nbeam_size: 900\nbeam_size_token: 99\n"  # random weights
LENGTHS = [400, 401, 719, 720, 799, 800, 900, 8000, 16000, 16001, 23456, 30000, 100]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny data ه")
    return write_audio(folder / "test", LENGTHS)


@pytest.fixture(scope="module", params=["default", "layer_norm"])
def exp(request, tmp_path_factory, data_dir):
    folder = tmp_path_factory.mktemp(f"tiny {request.param}")
    write_checkpoint(folder / "wav2vec2.pt", request.param)
    options = ["--token_type", "char"]
    if request.param == "default":
        options = ["--bpemode", "bpe", "--nbpe", "40"]
    tokens = write_tokens(folder / "tokens", data_dir / "text", *options)
    return write_experiment(folder, tokens, folder / "wav2vec2.pt")


def decode(exp, data_dir, output_dir, *options):
    words = ["--asr_exp", exp, "--data_dir", data_dir, "--output_dir", output_dir]
    assert decode_asr([str(word) for word in [*words, *options]]) == 0
    return {
        name: dict(
            (line.split(" ", 1) + [""])[:2]
            for line in (output_dir / name).read_text(encoding="utf-8").splitlines()
        )
        for name in ("text", "token", "token_int", "score", "confidence")
    }


def test_padding_batches_and_jobs_change_nothing(exp, data_dir, tmp_path):
    alone = decode(exp, data_dir, tmp_path / "alone", "--batch_bins", 1)
    assert sum(bool(text) for text in alone["text"].values()) > 6
    assert alone["text"]["spk0-utt012"] == ""
    ways = {"all": [10**9, 1], "some": [40000, 1], "forks": [20000, 2]}
    for name, (bins, nj) in ways.items():
        options = ["--batch_bins", bins, "--nj", nj]
        found = decode(exp, data_dir, tmp_path / name, *options)
        for column in ("text", "token", "token_int"):
            assert found[column] == alone[column], name
        for column in ("score", "confidence"):
            scores = {utt: float(value) for utt, value in found[column].items()}
            for utt, value in alone[column].items():
                assert scores[utt] == pytest.approx(float(value), abs=0.05), name


def test_greedy_search_finds_the_same_path_as_espnet(exp, data_dir, tmp_path):
    """The path is computed by ESPnet's own model, one utterance at a time."""
    import itertools

    import soundfile
    import torch

    from hamzaban.asr.task import ASRTask
    from hamzaban.data.files import read_scp

    ours = decode(exp, data_dir, tmp_path / "out")
    model, args = ASRTask.build_model_from_file(exp / "config.yaml", exp / MODEL_NAME)
    model.eval()
    for utt, path in read_scp(data_dir / "wav.scp"):
        speech = torch.from_numpy(soundfile.read(path, dtype="float32")[0])[None]
        if speech.size(1) < 400:
            continue
        with torch.no_grad():
            out, _ = model.encode(speech, torch.tensor([speech.size(1)]))
            path = model.ctc.argmax(out)[0].tolist()
        ids = [token for token, _ in itertools.groupby(path) if token != 0]
        assert ours["token_int"][utt] == " ".join(map(str, ids))
        assert ours["token"][utt].split() == [args.token_list[i] for i in ids]


def test_weights_of_another_model_are_refused(exp, data_dir, tmp_path):
    import torch

    state = torch.load(exp / MODEL_NAME, weights_only=True)
    state["ctc.ctc_lo.weight"] = state["ctc.ctc_lo.weight"][:-1]
    torch.save(state, exp / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth: its weights are not those"):
        decode(exp, data_dir, tmp_path, "--asr_model", "other.pth")
    (exp / "none.pth").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"none\.pth: found a text file, expected"):
        decode(exp, data_dir, tmp_path, "--asr_model", "none.pth")


def test_the_bpemodel_can_be_elsewhere(exp, data_dir, tmp_path):
    tokens = exp.parent / "tokens"
    if not (tokens / "bpe.model").exists():
        pytest.skip("characters have no model")
    expected = decode(exp, data_dir, tmp_path / "one")
    moved = (tokens / "bpe.model").rename(tmp_path / "moved.model")
    own = exp / "bpe.model"  # the copy that train-asr made
    try:
        assert decode(exp, data_dir, tmp_path / "two") == expected
        own.rename(tmp_path / "own.model")
        with pytest.raises(FileNotFoundError, match=r"bpe\.model: .*missing"):
            decode(exp, data_dir, tmp_path / "three")
        again = decode(exp, data_dir, tmp_path / "three", "--bpemodel", moved)
        assert again == expected
    finally:
        moved.rename(tokens / "bpe.model")
        (tmp_path / "own.model").rename(own)


@pytest.fixture(scope="module")
def lm_dir(data_dir, exp, tmp_path_factory):
    require_tools("lmplz", "build_binary")
    folder = tmp_path_factory.mktemp("lm")
    models = "word: {order: 2}\nmemory: 100M\n"
    words = ["--train_text", data_dir / "text", "--output_dir", folder / "lm"]
    bpemodel = exp.parent / "tokens" / "bpe.model"
    unit = "bpe" if bpemodel.exists() else "char"
    (folder / "lm.yaml").write_text(f"{models}{unit}: {{order: 3}}\n")
    words += ["--config", folder / "lm.yaml"]
    if unit == "bpe":
        words += ["--bpemodel", bpemodel]
    assert train_lm([str(word) for word in words]) == 0
    return folder / "lm"


def write_config(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def read_bytes(folder):
    names = ("text", "token", "token_int", "score", "confidence", "ctm", "nbest")
    return {name: (folder / name).read_bytes() for name in names}


def test_kept_emissions_give_the_same_greedy_text(exp, data_dir, tmp_path):
    expected = decode(exp, data_dir, tmp_path / "direct")
    found = decode(exp, data_dir, tmp_path / "kept", "--emissions_dir", tmp_path / "e")
    for column in ("text", "token", "token_int"):
        assert found[column] == expected[column]
    for utt, value in expected["confidence"].items():
        assert float(found["confidence"][utt]) == pytest.approx(float(value), abs=0.05)
    ctm = (tmp_path / "kept/ctm").read_text(encoding="utf-8").splitlines()
    spoken = [line.split() for line in ctm]
    for utt, text in expected["text"].items():
        rows = [row for row in spoken if row[0] == utt]
        assert " ".join(row[4] for row in rows) == text
        starts = [float(row[2]) for row in rows]
        assert starts == sorted(starts)
        assert all(float(row[3]) > 0 and 0 <= float(row[5]) <= 1 for row in rows)


@pytest.mark.parametrize("search", ["lexicon", "token"])
def test_beam_search_is_the_same_in_any_number_of_processes(
    exp, data_dir, lm_dir, tmp_path, search
):
    config = write_config(tmp_path / "d.yaml", f"search: {search}\nnbest: 4\n{WIDE}")
    options = ["--inference_config", config, "--lm_dir", lm_dir]
    options += ["--emissions_dir", tmp_path / "e"]
    for nj in (1, 2, 3):
        found = decode(exp, data_dir, tmp_path / f"{nj}", *options, "--nj", nj)
        assert read_bytes(tmp_path / f"{nj}") == read_bytes(tmp_path / "1")
    assert sum(bool(text) for text in found["text"].values()) > 3
    lines = (tmp_path / "1/nbest").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    for utt, score in found["score"].items():
        own = [row for row in rows if row["utt_id"] == utt]
        assert [row["rank"] for row in own] == list(range(1, len(own) + 1))
        assert len({row["text"] for row in own}) == len(own) <= 4
        assert found["text"][utt] == (own[0]["text"] if own else "")
        if own:
            assert float(score) == pytest.approx(own[0]["total"], abs=1e-4)
        for row in own:
            total = row["acoustic"] + 0.5 * row["lm"]
            assert row["total"] == pytest.approx(total, abs=1e-3)
    if search == "lexicon":
        known = (lm_dir / "word/units.txt").read_text(encoding="utf-8").split()
        assert {w for text in found["text"].values() for w in text.split()} <= set(
            known
        )


def test_weights_are_tuned_on_kept_emissions(exp, data_dir, lm_dir, tmp_path):
    grid = "tune: {lm_weight: [0.0, 0.5], word_score: [-1, 2], beam_size: [5, 20]}"
    config = write_config(tmp_path / "d.yaml", f"search: lexicon\n{grid}\n")
    files = ["--asr_exp", exp, "--lm_dir", lm_dir, "--inference_config", config]
    kept = ["--emissions_dir", tmp_path / "e"]
    decode(exp, data_dir, tmp_path / "greedy", *kept)
    words = [*files, *kept, "--ref", data_dir / "text", "--output_dir", tmp_path / "t"]
    assert tune_decoder([str(word) for word in [*words, "--nj", 2]]) == 0
    lines = (tmp_path / "t/tune.tsv").read_text(encoding="utf-8").splitlines()
    rows = [
        dict(zip(lines[0].split(), line.split(), strict=True)) for line in lines[1:]
    ]
    assert rows[0]["search"] == "greedy"
    hyps = decode(exp, data_dir, tmp_path / "alone")["text"]
    refs = (data_dir / "text").read_text(encoding="utf-8").splitlines()
    refs = dict(line.split(" ", 1) for line in refs)
    words_of = {utt: (ref.split(), hyps[utt].split()) for utt, ref in refs.items()}
    errors = sum(Levenshtein.distance(ref, hyp) for ref, hyp in words_of.values())
    assert int(rows.pop(0)["errors"]) == errors
    assert len(rows) >= 8  # and more if the best weight is at the end of its list
    best = yaml.safe_load((tmp_path / "t/weights.yaml").read_text(encoding="utf-8"))
    values = {name: f"{value:g}" for name, value in best.items()}
    (row,) = [row for row in rows if values.items() <= row.items()]
    assert int(row["errors"]) == min(int(row["errors"]) for row in rows)
    assert (tmp_path / "t/tune.png").read_bytes().startswith(b"\x89PNG")
    weights = ["--weights", tmp_path / "t/weights.yaml", *kept, *files[2:]]
    decode(exp, data_dir, tmp_path / "best", *weights)
    with pytest.raises(ValueError, match="13 utterances have no reference"):
        (tmp_path / "none").write_text("")
        words[words.index("--ref") + 1] = tmp_path / "none"
        tune_decoder([str(word) for word in words])


@pytest.mark.parametrize("search", ["lexicon", "token"])
def test_a_language_model_made_elsewhere_decodes_like_that_of_train_lm(
    exp, data_dir, lm_dir, tmp_path, search
):
    config = write_config(tmp_path / "d.yaml", f"search: {search}\n{WIDE}")
    options = ["--inference_config", config, "--emissions_dir", tmp_path / "e"]
    expected = decode(exp, data_dir, tmp_path / "1", *options, "--lm_dir", lm_dir)
    units = {"lexicon": ["word"], "token": ["bpe", "char"]}[search]
    folder = next(lm_dir / unit for unit in units if (lm_dir / unit).is_dir())
    for name in ("lm.arpa.gz", "lm.bin"):
        shutil.copy(folder / name, tmp_path / f"made elsewhere {name}")
        own = [*options, "--lm", tmp_path / f"made elsewhere {name}"]
        assert decode(exp, data_dir, tmp_path / name, *own) == expected
    grid = config.read_text(encoding="utf-8") + "tune: {lm_weight: [0.5]}\n"
    config.write_text(grid, encoding="utf-8")
    words = ["--asr_exp", exp, *options, "--ref", data_dir / "text", "--output_dir"]
    words += [tmp_path / "tuned", "--lm", tmp_path / "made elsewhere lm.bin"]
    assert tune_decoder([str(word) for word in words]) == 0
    greedy = write_config(tmp_path / "greedy.yaml", "search: greedy\n")
    with pytest.raises(ValueError, match="search greedy reads no language model"):
        decode(exp, data_dir, tmp_path / "2", "--inference_config", greedy, *own[4:])


def test_espnets_search_gives_the_same_files(exp, data_dir, tmp_path):
    config = write_config(
        tmp_path / "d.yaml", "search: espnet\nbeam_size: 2\nnbest: 2\n"
    )
    decode(exp, data_dir, tmp_path / "1", "--inference_config", config)
    options = ["--inference_config", config, "--nj", 2]
    found = decode(exp, data_dir, tmp_path / "2", *options)
    assert read_bytes(tmp_path / "1") == read_bytes(tmp_path / "2")
    assert found["text"]["spk0-utt012"] == ""  # too short for a frame
    ctm = (tmp_path / "2/ctm").read_text(encoding="utf-8").splitlines()
    words = [word for text in found["text"].values() for word in text.split()]
    assert sorted(line.split()[4] for line in ctm) == sorted(words)


def test_pieces_of_another_model_are_refused(exp, data_dir, lm_dir, tmp_path):
    if not (lm_dir / "bpe").exists():
        pytest.skip("characters have no model")
    other = tmp_path / "lm" / "bpe"
    shutil.copytree(lm_dir / "bpe", other)
    info = (other / "lm.yaml").read_text(encoding="utf-8")
    digest = yaml.safe_load(info)["bpemodel_sha256"]
    (other / "lm.yaml").write_text(info.replace(digest, "a" * 64), encoding="utf-8")
    config = write_config(tmp_path / "d.yaml", "search: token\n")
    options = ["--inference_config", config, "--lm_dir", other.parent]
    with pytest.raises(ValueError, match="its pieces are not those of"):
        decode(exp, data_dir, tmp_path / "out", *options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tune: {blank_score: [-1]}", "search greedy has no blank_score to tune; it "),
        ("search: token\ntune: {word_score: [1]}", "search token has no word_score"),
    ],
)
def test_only_options_of_the_search_are_tuned(exp, data_dir, tmp_path, text, message):
    config = write_config(tmp_path / "d.yaml", text + "\n")
    words = ["--asr_exp", exp, "--inference_config", config, "--ref", data_dir / "text"]
    words += ["--emissions_dir", tmp_path / "e", "--output_dir", tmp_path / "t"]
    with pytest.raises(ValueError, match=message):
        tune_decoder([str(word) for word in words])


def test_greedy_decoding_keeps_no_emissions_and_logs_its_speed(exp, data_dir, tmp_path):
    decode(exp, data_dir, tmp_path)
    assert not (tmp_path / "emissions").exists()
    log = (tmp_path / "logdir/asr_inference.log").read_text(encoding="utf-8")
    assert " RTF " in log
    assert f"{len(LENGTHS)} utterances, audio" in log
