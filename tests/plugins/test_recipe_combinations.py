"""Options of a recipe that cannot work together are found before its first stage."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from hamzaban.bin.config import main as config
from hamzaban.weights.peek import KEYS
from repository import ROOT

CONF = ROOT / "conf"
SEED = ROOT / "egs2/mini_ar/asr1/downloads/seed/wav2vec2.pt"


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def check(**options):
    given = {
        "stages": "data tokens lm stats train decode score",
        "asr_config": CONF / "train_ctc.yaml",
        "inference_config": CONF / "decode.yaml",
        "ssl_checkpoint": SEED,
        "token_type": "bpe",
        "ngpu": 0,
    }
    words = [f"--{name}={value}" for name, value in {**given, **options}.items()]
    assert config(["check", *words]) == 0


def test_the_shared_configs_work_together():
    check()
    check(token_type="char", inference_config=CONF / "decode_espnet.yaml")
    both = f"{CONF}/decode_lexicon.yaml {CONF}/decode_token_lm.yaml"
    check(token_type="char", lm_config=CONF / "lm.yaml", inference_config=both)
    joint = CONF / "train_ctc_joint.yaml"
    check(asr_config=joint, inference_config=CONF / "decode_predicted.yaml")
    for path in sorted((CONF / "tuning").glob("*.yaml")):
        check(asr_config=path)


CASES = {
    "pieces without a model of pieces": (
        {"lm_config": "lm.yaml", "inference_config": "decode_token_lm.yaml"},
        "needs a language model of unit bpe, but {conf}/lm.yaml has word, char; add",
    ),
    "a search without a language model": (
        {"inference_config": "decode_lexicon.yaml"},
        "reads a language model of words, but neither --lm_config nor --lm is given",
    ),
    "freeze without a checkpoint": (
        {"ssl_checkpoint": ""},
        "frontend_conf.freeze is ['feature_extractor'], but there is no checkpoint",
    ),
    "a language of a model that has one": (
        {"inference_config": "decode_predicted.yaml"},
        "language is predicted, but the model of {conf}/train_ctc.yaml has one",
    ),
    "frozen to the end": (
        {"asr_args": "--max_updates 100 --frontend_conf freeze_updates=100"},
        "freeze_updates is 100 and max_updates 100, so that wav2vec 2.0 would never",
    ),
    "no model for decoding": (
        {"asr_args": "--best_model_criterion valid,loss,min"},
        "would not make valid.wer.ave.pth, which is decoded",
    ),
    "rates by layer without a rate": (
        {"asr_args": "--layer_lr_decay 0.9 --frontend default"},
        "layer_lr_decay needs frontend hamzaban_s3prl",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_contradiction_is_one_line_that_says_what_to_do(name):
    options, message = CASES[name]
    options = {
        key: CONF / value if str(value).endswith(".yaml") else value
        for key, value in options.items()
    }
    with pytest.raises(ValueError) as error:
        check(**options)
    assert message.format(conf=CONF) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("search: token\nlm_unit: word\n", "lm_unit is word, but search: token with"),
        ("tune: {lm_weight: [0.5]}\n", "search greedy has no lm_weight to tune"),
        (
            "search: lexicon\nnbest: 10\ntune: {beam_size: [5, 20]}\n",
            "nbest 10 is above beam_size 5",
        ),
        ("asr_model: valid.acc.ave.pth\n", "asr_model is valid.acc.ave.pth, which"),
    ],
)
def test_a_decoding_that_would_fail_later_is_found(write, text, message):
    path = write("decode.yaml", text)
    with pytest.raises(ValueError, match="decode.yaml: ") as error:
        check(inference_config=path, lm_config=CONF / "lm.yaml")
    assert message in str(error.value)


def test_replay_without_speech_to_replay_is_found(write):
    path = write("ssl.yaml", f"base: {CONF}/pretrain.yaml\nreplay_share: 0.2\n")
    with pytest.raises(ValueError, match="replay_share is 0.2 without replay_dir"):
        check(stages="pretrain train", pretrain_config=path)


def test_only_stages_that_will_run_are_checked():
    lm = {"inference_config": CONF / "decode_token_lm.yaml"}
    check(stages="data audio", ssl_checkpoint="", **lm)
    check(stages="train", **lm)
    check(stages="decode", lm_config=CONF / "lm.yaml", token_type="char", **lm)


def test_options_of_a_command_line_count_like_those_of_the_yaml():
    check(ssl_checkpoint="", asr_args="--frontend_conf freeze=[]")
    check(ssl_checkpoint="", asr_args="--init_param exp/asr_x/valid.wer.ave.pth")
    check(ssl_checkpoint="", asr_args=f"--ssl_checkpoint {SEED}")


def test_an_option_that_nothing_reads_is_logged(caplog):
    check(lm_text="lm.txt", pretrain_args="--max_epoch 2")
    assert "--lm_text is not read: no language model is trained" in caplog.text
    assert "--pretrain_args is not read: no --pretrain_config is given" in caplog.text


def test_a_language_model_made_elsewhere_is_checked_by_its_units(write, caplog):
    arpa = "\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<s>\n-1\t</s>\n-1\twords\n\\end\\\n"
    path = write("x.arpa", arpa)
    check(lm=path, inference_config=CONF / "decode_lexicon.yaml")
    with pytest.raises(ValueError, match="needs a language model of unit bpe, but .*x"):
        check(lm=path, inference_config=CONF / "decode_token_lm.yaml")
    lexicon = CONF / "decode_lexicon.yaml"
    check(lm=path, lm_config=CONF / "lm.yaml", inference_config=lexicon)
    assert "--lm_config is not read: --lm is used" in caplog.text


def test_the_check_imports_neither_torch_nor_espnet():
    code = (
        "import sys; from hamzaban.bin.config import main; "
        "main(['check', '--stages=train decode', '--ssl_checkpoint=x', "
        f"'--asr_config={CONF}/train_ctc.yaml', '--token_type=char', "
        f"'--lm_config={CONF}/lm.yaml', '--inference_config={CONF}/decode_lexicon.yaml'"
        "]); print([m for m in ('torch', 'espnet2') if m in sys.modules])"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.torch
def test_bfloat16_is_left_out_on_a_cpu_without_its_instructions(
    monkeypatch, caplog, write
):
    import torch

    from hamzaban import devices

    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert not devices.has_fast_bfloat16()
    assert devices.usable_dtype("bfloat16", 0) is None
    assert devices.usable_dtype("bfloat16", 1) == "bfloat16"
    assert devices.usable_dtype(None, 0) is None
    (line,) = caplog.messages
    assert "autocast_dtype: bfloat16 is ignored: this CPU has no" in line
    caplog.clear()
    path = write("t.yaml", f"base: {CONF}/train_ctc.yaml\nautocast_dtype: bfloat16\n")
    check(asr_config=path)
    assert caplog.messages == [line]


@pytest.mark.torch
def test_bfloat16_is_kept_on_a_cpu_that_has_its_instructions(monkeypatch, caplog):
    import torch

    from hamzaban import devices

    probe = "_is_avx512_bf16_supported"
    monkeypatch.setattr(torch.cpu, probe, lambda: True, raising=False)
    assert devices.usable_dtype("bfloat16", 0) == "bfloat16"
    assert caplog.messages == []


@pytest.mark.torch
def test_a_gpu_that_is_not_there_is_one_line(monkeypatch):
    import torch

    from hamzaban.devices import require_gpus

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    require_gpus(0)
    with pytest.raises(ValueError, match=r"--ngpu is 1, but torch finds 0 GPUs here"):
        require_gpus(1)


def test_every_shared_config_is_of_a_kind_that_is_checked():
    """A new kind of YAML must be thought of here."""
    checked = {"train_ctc", "decode", "lm", "pretrain"}
    own = {"audio_noise", "conditions", "mine", "pseudo", "slurm"}  # no other matters
    for path in CONF.glob("*.yaml"):
        assert path.stem.startswith(tuple(checked | own)), path
    assert Path(CONF).is_dir()


def save_pickles(path, value):
    """Write a file as torch.save once did; the names are in its fourth pickle."""
    with open(path, "wb") as stream:
        for each in (1, 1001, {}, value):
            pickle.dump(each, stream, protocol=2)
    return path


WRONG = {
    "README.md": ("a file of another program", "give the model file itself"),
    "asr.pth": (
        "a torch file without task_cfg, model_cfg",
        "give a model that was only",
    ),
    "cut.pt": ("a damaged file", "copy or download it again"),
    "model.safetensors": ("safetensors", "give the directory with its config.json"),
    "exp": (
        "a folder without config.json or wav2vec2.pt",
        "give the folder of a model",
    ),
    "none.pt": ("", "no such file"),
}
RIGHT = ("hf", "ssl", "fairseq.pt", "old.pt")


@pytest.fixture
def checkpoints(tmp_path):
    paths = {name: tmp_path / name for name in (*WRONG, *RIGHT)}
    paths["README.md"].write_text("نه", encoding="utf-8")
    for name in ("exp", "hf", "ssl"):
        paths[name].mkdir()
    (paths["hf"] / "config.json").write_text("{}", encoding="utf-8")
    (paths["ssl"] / "wav2vec2.pt").touch()
    header = b"{}"
    size = len(header).to_bytes(8, "little")
    paths["model.safetensors"].write_bytes(size + header)
    save_pickles(paths["fairseq.pt"], {"args": None, "model": {"a": 1}})
    save_pickles(paths["old.pt"], {key: {} for key in KEYS})
    save_pickles(paths["asr.pth"], {"encoder.weight": [1.0]})
    paths["cut.pt"].write_bytes(SEED.read_bytes()[:5000])
    return paths


def list_ways(path):
    """Return the options of a recipe by which a checkpoint is given."""
    pretraining = {
        "pretrain_config": CONF / "pretrain.yaml",
        "stages": "pretrain train",
    }
    return {
        "--pretrain_init": {"pretrain_init": path, "ssl_checkpoint": path},
        "--pretrain_init ": {"pretrain_init": path, **pretraining},
        "ssl_checkpoint": {"asr_args": f"--ssl_checkpoint {path}"},
    }


@pytest.mark.parametrize("name", WRONG)
def test_a_checkpoint_of_the_wrong_kind_is_refused_before_the_first_stage(
    checkpoints, name
):
    what, remedy = WRONG[name]
    for way, given in list_ways(checkpoints[name]).items():
        with pytest.raises((ValueError, FileNotFoundError)) as error:
            check(**given)
        assert way.strip() in str(error.value)
        assert str(checkpoints[name]) in str(error.value)
        assert what in str(error.value) and remedy in str(error.value)
    check(pretrain_init=checkpoints[name], stages="tokens")


@pytest.mark.parametrize("name", RIGHT)
def test_checkpoints_of_every_form_that_is_read_are_taken(checkpoints, name):
    for given in list_ways(checkpoints[name]).values():
        check(**given)


def test_a_model_on_the_hub_is_not_looked_for_here():
    for given in list_ways("owner/tiny@v1").values():
        check(**given)


def test_looking_at_a_checkpoint_imports_no_torch(tmp_path):
    code = (
        "import sys; from hamzaban.weights.peek import check_wav2vec2; "
        "check_wav2vec2(sys.argv[1], '--x'); assert 'torch' not in sys.modules"
    )
    old = save_pickles(tmp_path / "old.pt", {key: {} for key in KEYS})
    for path in (SEED, old):
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
