"""Models of rounds have the architecture of the model whose weights they begin with."""

import pytest
import tiny_experiment
import yaml

from hamzaban import compat
from hamzaban.bin.config import main as config_main
from hamzaban.bin.map_head import main as map_head
from hamzaban.config import read_config
from hamzaban.pseudo.architecture import read_source, take_architecture
from repository import ROOT

pytestmark = pytest.mark.torch

CONFIG = ROOT / "conf/train_ctc.yaml"


@pytest.fixture
def trained():
    """Return the config.yaml of a model trained with train_ctc.yaml and a
    checkpoint."""
    values, _ = read_config(CONFIG)
    conf = {"model_cfg": {"encoder_layers": 2}, "task_cfg": {"normalize": True}}
    conf |= {"mask_prob": 0.9, "layer": 1}
    conf["frontend_conf"] = {"upstream": "wav2vec2_custom", "tile_factor": 2}
    return values | {"frontend_conf": values["frontend_conf"] | conf, "encoder": None}


def test_sizes_come_from_the_source_and_training_values_from_the_config(trained):
    own, _ = read_config(CONFIG)
    own["frontend_conf"] |= {"model_cfg": {"encoder_layers": 9, "final_dim": 4}}
    own["frontend_conf"] |= {"multilayer_feature": True}
    fitted = take_architecture(own, trained)
    conf = fitted["frontend_conf"]
    assert conf["model_cfg"] == {"encoder_layers": 2}
    assert conf["task_cfg"] == {"normalize": True}
    assert conf["layer"] == 1 and "multilayer_feature" not in conf
    assert conf["frontend_conf"]["tile_factor"] == 2
    assert conf["mask_prob"] == own["frontend_conf"]["mask_prob"] == 0.5
    rest = {name: value for name, value in fitted.items() if name != "frontend_conf"}
    assert rest == {name: own[name] for name in rest} and len(rest) == len(own) - 1


def test_other_parts_are_copied_as_a_whole(trained):
    own, _ = read_config(CONFIG)
    own |= {"preencoder": "linear", "preencoder_conf": {"output_size": 8}}
    source = trained | {"frontend": "s3prl", "frontend_conf": {"tile_factor": 1}}
    source |= {"encoder": "rnn", "encoder_conf": {"hidden_size": 8}}
    fitted = take_architecture(own, source)
    assert fitted["frontend"] == "s3prl"
    assert fitted["frontend_conf"] == {"tile_factor": 1}
    assert (fitted["encoder"], fitted["encoder_conf"]) == ("rnn", {"hidden_size": 8})
    assert fitted["preencoder"] is None and "preencoder_conf" not in fitted


def fit_config(*words):
    return config_main(["fit", *map(str, words)])


@pytest.mark.parametrize("start", ["source", "random"])
def test_nothing_is_copied_if_training_starts_from_random_weights(
    trained, tmp_path, start
):
    exp, output = tmp_path / "asr ه", tmp_path / "conf" / "asr.yaml"
    exp.mkdir()
    (exp / "config.yaml").write_text(yaml.safe_dump(trained), encoding="utf-8")
    words = ["--source_exp", exp, "--start", start, CONFIG, output]
    assert fit_config(*words) == 0
    conf = yaml.safe_load(output.read_text(encoding="utf-8"))["frontend_conf"]
    assert ("model_cfg" in conf) == (start == "source")


def test_what_is_no_model_of_speech_is_one_clear_line(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="is not a directory that train-asr wrote"
    ):
        read_source(tmp_path)
    (tmp_path / "config.yaml").write_text("frontend: null\ninput_size: 80\n")
    with pytest.raises(ValueError, match="no frontend found, expected"):
        read_source(tmp_path)


@pytest.mark.parametrize("start", ["source", "random"])
def test_heads_of_each_language_are_refused(tmp_path, start):
    conf = {"languages": ["fa", "ur"]}
    values = {"frontend": "hamzaban_s3prl", "model": "hamzaban_joint_ctc"}
    values |= {"model_conf": conf}
    config = tmp_path / "config.yaml"
    words = ["--source_exp", str(tmp_path), "--start", start]
    words += [str(CONFIG), str(tmp_path / "out.yaml")]
    config.write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(ValueError, match="a CTC head for each of fa, ur, expected one"):
        fit_config(*words)
    conf["heads"] = "shared"
    config.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert fit_config(*words) == 0


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A trained model whose architecture is not S3PRL's default, and its tokens."""
    folder = tmp_path_factory.mktemp("source ه")
    tiny_experiment.write_checkpoint(folder / "seed.pt", "layer_norm")
    data = tiny_experiment.write_audio(folder / "data", [8000] * 4)
    tokens = tiny_experiment.write_tokens(
        folder / "tokens", data / "text", "--token_type", "char"
    )
    return tiny_experiment.write_experiment(folder, tokens, folder / "seed.pt")


@pytest.fixture(scope="module")
def joint(source, tmp_path_factory):
    """A model of two languages with one head, that finds the language."""
    import torch

    from hamzaban.asr.task import ASRTask
    from hamzaban.decode.recognizer import read_config as read_trained

    exp = tmp_path_factory.mktemp("joint")
    values = yaml.safe_load((source / "config.yaml").read_text(encoding="utf-8"))
    values["model"] = "hamzaban_joint_ctc"
    conf = {"languages": ["fa", "ur"], "heads": "shared", "lid_weight": 0.1}
    values["model_conf"] = conf
    (exp / "config.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    model = ASRTask.build_model(read_trained(exp / "config.yaml"))
    torch.save(model.state_dict(), exp / tiny_experiment.MODEL_NAME)
    return exp


def build_target(exp, folder):
    """Build the model of a round as train-asr does with the options of pseudo.sh."""
    with compat.fast_imports():
        from espnet2.torch_utils.load_pretrained_model import load_pretrained_model

        from hamzaban.asr.task import ASRTask
    (folder / "text").write_text("u1 سلام پدر\n", encoding="utf-8")
    target = tiny_experiment.write_tokens(
        folder / "tokens", folder / "text", "--token_type", "char"
    )
    weights, config = folder / "source.pth", folder / "asr.yaml"
    words = ["--source_exp", exp, "--token_list", target / "tokens.txt"]
    words += ["--config", ROOT / "conf/pseudo.yaml", "--output", weights]
    map_head([str(word) for word in words])
    fit_config("--source_exp", exp, CONFIG, config)
    words = ["--config", config, "--token_list", target / "tokens.txt"]
    words += ["--token_type", "char", "--init_param", weights]
    args = ASRTask.get_parser().parse_args([str(word) for word in words])
    model = ASRTask.build_model(args)
    for init_param in args.init_param:  # as ESPnet's main_worker
        load_pretrained_model(init_param, model, args.ignore_init_mismatch)
    return model


def test_a_round_is_built_from_a_config_without_an_architecture(source, tmp_path):
    import torch

    model = build_target(source, tmp_path)
    assert model.frontend.model.wav_normalize
    own = model.state_dict()
    weights = torch.load(source / tiny_experiment.MODEL_NAME, weights_only=True)
    for name in weights.keys() - {"ctc.ctc_lo.weight", "ctc.ctc_lo.bias"}:
        torch.testing.assert_close(own[name], weights[name], rtol=0, atol=0)


def test_the_language_id_of_a_joint_model_is_left_out(joint, tmp_path, caplog):
    import torch

    caplog.set_level("INFO")
    weights = torch.load(joint / tiny_experiment.MODEL_NAME, weights_only=True)
    assert {"lid.weight", "lid.bias"} <= weights.keys()
    own = build_target(joint, tmp_path).state_dict()
    assert weights.keys() - own.keys() == {"lid.weight", "lid.bias"}
    assert "plain CTC model lacks them: lid.bias, lid.weight" in caplog.text
