"""decode-asr with a real, tiny wav2vec 2.0 CTC model built by our ESPnet task."""

import pytest
from tiny_experiment import (
    MODEL_NAME,
    write_audio,
    write_checkpoint,
    write_experiment,
    write_tokens,
)

from hamzaban.bin.decode_asr import main as decode_asr

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


def test_espnets_greedy_path_is_ours(exp, data_dir, tmp_path):
    """The same best path from ESPnet's own model call, one utterance at a time."""
    import itertools

    import soundfile
    import torch

    from hamzaban.asr.task import ASRTask
    from hamzaban.data_dir import read_scp

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
    with pytest.raises(ValueError, match=r"none\.pth: cannot be read"):
        decode(exp, data_dir, tmp_path, "--asr_model", "none.pth")


def test_the_bpemodel_can_be_elsewhere(exp, data_dir, tmp_path):
    tokens = exp.parent / "tokens"
    if not (tokens / "bpe.model").exists():
        pytest.skip("characters have no model")
    expected = decode(exp, data_dir, tmp_path / "one")
    moved = (tokens / "bpe.model").rename(tmp_path / "moved.model")
    try:
        with pytest.raises(FileNotFoundError, match=r"bpe\.model: .*missing"):
            decode(exp, data_dir, tmp_path / "two")
        assert decode(exp, data_dir, tmp_path / "two", "--bpemodel", moved) == expected
    finally:
        moved.rename(tokens / "bpe.model")
