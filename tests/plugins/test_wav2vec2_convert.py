"""Models of transformers and fairseq are converted without a change."""

import argparse
import enum
import json
import os
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

from hamzaban.bin.export_ssl import main as export_ssl
from hamzaban.bin.import_ssl import main as import_ssl


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global Checkpoint, LossOptions, PretrainModel, build_masked_batch, encode_layers
    global fill_missing, read_foreign, make_model_cfg, make_task_cfg, quantize
    global read_source, torch, transformers, write_checkpoint
    import torch
    import transformers

    from hamzaban.asr.upstream import encode_layers
    from hamzaban.pretrain.masked_batch import build_masked_batch
    from hamzaban.pretrain.model import LossOptions, PretrainModel
    from hamzaban.pretrain.quantize import quantize
    from hamzaban.wav2vec2.checkpoint import Checkpoint, write_checkpoint
    from hamzaban.wav2vec2.config import make_model_cfg, make_task_cfg
    from hamzaban.wav2vec2.convert.source import fill_missing, read_source
    from hamzaban.weights.door import read_foreign


TINY = {
    "conv_dim": [24] * 7,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "num_codevectors_per_group": 6,
    "codevector_dim": 16,
    "proj_codevector_dim": 12,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "layerdrop": 0.0,
    "num_negatives": 10,
}
VARIANTS = {
    "base": {},
    "large": {
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "conv_bias": True,
    },
    "group_pre": {"do_stable_layer_norm": True},
    "layer_post": {"feat_extract_norm": "layer", "conv_bias": True},
    "group_bias": {"conv_bias": True},
    "relu": {"hidden_act": "relu", "codevector_dim": 20},
    "gelu_new": {"hidden_act": "gelu_new", "num_codevector_groups": 4},
}
SAMPLES = 8000


def make_theirs(variant, seed=0, cls=None):
    torch.manual_seed(seed)
    config = transformers.Wav2Vec2Config(**{**TINY, **VARIANTS[variant]})
    model = (cls or transformers.Wav2Vec2ForPreTraining)(config).eval()
    for (
        name,
        parameter,
    ) in model.named_parameters():  # no result is right because a weight is 0 or 1
        if parameter.dim() == 1:
            parameter.data += 0.2 * torch.randn_like(parameter)
            assert name
    return model


def make_ours(stored):
    weights = LossOptions(feature_weight=0.0)
    model = PretrainModel(stored.model_cfg, weights)
    model.wav2vec2.load_state_dict(stored.model_weight)
    return model.eval()


def run_both(ours, theirs):
    """Return hidden states, projections, logits and losses of both, for equal masks."""
    speech = torch.randn(2, SAMPLES, generator=torch.Generator().manual_seed(3))
    rng = np.random.default_rng(1)
    total = int(theirs._get_feat_extract_output_lengths(SAMPLES))
    frames = [np.sort(rng.choice(total, 9, replace=False)) for _ in speech]
    drawn = [rng.integers(0, 8, (9, 10)) for _ in speech]
    for index in drawn:
        index += index >= np.arange(9)[:, None]
    mask = torch.zeros(2, total, dtype=torch.bool)
    negatives = torch.zeros(2, total, 10, dtype=torch.long)
    for row in range(2):
        mask[row, frames[row]] = True
        negatives[row, frames[row]] = torch.from_numpy(
            frames[row][drawn[row]] + row * total
        )
    draw = build_masked_batch(
        frames, drawn, num_frames=[total] * 2, total=total, device=speech.device
    )
    ours._draw = lambda *_: draw
    with torch.no_grad():
        wanted = theirs(
            speech,
            mask_time_indices=mask,
            sampled_negative_indices=negatives,
            output_hidden_states=True,
        )
        found = ours(speech, torch.tensor([SAMPLES] * 2))["stats"]
        latents = ours.extract(speech, [SAMPLES] * 2)
        model = ours.wav2vec2
        hidden = latents.features
        if model.post_extract_proj is not None:
            hidden = model.post_extract_proj(hidden)
        hidden = torch.where(mask.unsqueeze(2), model.mask_emb, hidden)
        states = encode_layers(model, hidden, None)
        targets = quantize(model.quantizer, latents.features[mask]).vectors
    return wanted, found, states, mask, model.project_q(targets)


def check_equal(ours, theirs):
    wanted, found, states, mask, targets = run_both(ours, theirs)
    hidden = list(wanted.hidden_states)
    if theirs.config.do_stable_layer_norm:  # transformers gives the last without norm
        hidden[-1] = theirs.wav2vec2.encoder.layer_norm(hidden[-1])
    for state, expected in zip(states, hidden, strict=True):
        torch.testing.assert_close(state, expected, rtol=0, atol=1e-4)
    projected = ours.wav2vec2.final_proj(states[-1])
    torch.testing.assert_close(projected, wanted.projected_states, rtol=0, atol=1e-4)
    logits = torch.cosine_similarity(projected[mask], targets, dim=-1) / 0.1
    quantized = wanted.projected_quantized_states[mask]
    expected = torch.cosine_similarity(wanted.projected_states[mask], quantized, dim=-1)
    torch.testing.assert_close(logits, expected / 0.1, rtol=0, atol=1e-4)
    contrastive = wanted.contrastive_loss / mask.sum()
    assert float(found["loss_contrastive"]) == pytest.approx(
        float(contrastive), abs=1e-4
    )
    # transformers' diversity follows the softmax in training only, as ours always does
    theirs.train()
    with torch.no_grad():
        speech = torch.randn(2, SAMPLES, generator=torch.Generator().manual_seed(3))
        negatives = torch.zeros(2, mask.size(1), 10, dtype=torch.long)
        out = theirs(speech, mask_time_indices=mask, sampled_negative_indices=negatives)
    theirs.eval()
    diversity = float(out.diversity_loss / mask.sum())
    assert float(found["loss_diversity"]) == pytest.approx(diversity, abs=1e-4)
    loss = float(contrastive) + 0.1 * diversity
    assert float(found["loss"]) == pytest.approx(loss, abs=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_conversion_in_both_directions_changes_nothing(variant, tmp_path, capsys):
    theirs = make_theirs(variant)
    folder = tmp_path / "der Ordner همزبان"
    theirs.save_pretrained(folder)
    normalize = {"do_normalize": variant == "large"}
    (folder / "preprocessor_config.json").write_text(json.dumps(normalize))
    assert import_ssl([str(folder), "--output", str(tmp_path / "w.pt")]) == 0
    assert "missing: none; unexpected: none" in capsys.readouterr().out
    stored = read_source(tmp_path / "w.pt").checkpoint
    assert stored.task_cfg["normalize"] is (variant == "large")
    check_equal(make_ours(stored), theirs)
    assert (
        export_ssl([str(tmp_path / "w.pt"), "--output_dir", str(tmp_path / "o")]) == 0
    )
    again, info = transformers.Wav2Vec2ForPreTraining.from_pretrained(
        tmp_path / "o", output_loading_info=True
    )
    assert not info["missing_keys"] and not info["unexpected_keys"]
    before, after = theirs.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    check_equal(make_ours(read_source(tmp_path / "o").checkpoint), again.eval())
    extractor = transformers.AutoFeatureExtractor.from_pretrained(tmp_path / "o")
    assert extractor.do_normalize is (variant == "large")


def test_padded_batch_of_a_large_model_is_equal(tmp_path):
    theirs = make_theirs("large")
    theirs.save_pretrained(tmp_path)
    ours = make_ours(read_source(tmp_path).checkpoint)
    speech = torch.randn(2, SAMPLES)
    speech[1, 5000:] = 0
    attention = torch.ones(2, SAMPLES, dtype=torch.long)
    attention[1, 5000:] = 0
    with torch.no_grad():
        wanted = theirs.wav2vec2(speech, attention_mask=attention).last_hidden_state
        latents = ours.extract(speech, [SAMPLES, 5000])
        mask = torch.zeros(latents.features.shape[:2], dtype=torch.bool)
        found = ours._encode(latents, mask)
    for row, frames in enumerate(latents.num_frames):
        torch.testing.assert_close(
            found[row, :frames], wanted[row, :frames], rtol=0, atol=1e-4
        )


def test_a_model_of_equal_widths_is_exported_and_read_back(tmp_path):
    theirs = make_theirs("base")
    theirs.save_pretrained(tmp_path / "a")
    stored = read_source(tmp_path / "a").checkpoint
    cfg = {
        **stored.model_cfg,
        "conv_feature_layers": "[(32, 10, 5)] + [(32, 3, 2)] * 6",
    }
    wide = PretrainModel(cfg, LossOptions()).wav2vec2
    assert wide.post_extract_proj is None  # transformers always has this projection
    checkpoint = Checkpoint(stored.task_cfg, cfg, wide.state_dict())
    write_checkpoint(tmp_path / "w.pt", checkpoint)
    export_ssl([str(tmp_path / "w.pt"), "--output_dir", str(tmp_path / "b")])
    back = read_source(tmp_path / "b").checkpoint
    for name, value in wide.state_dict().items():
        assert torch.equal(back.model_weight[name], value), name
    assert transformers.Wav2Vec2ForPreTraining.from_pretrained(tmp_path / "b")


@pytest.mark.parametrize("kind", ["bin", "sharded", "sharded bin", "old names"])
def test_other_forms_of_the_weights(kind, tmp_path):
    theirs = make_theirs("large")
    if kind == "sharded":
        theirs.save_pretrained(tmp_path, max_shard_size="20KB")
        assert (tmp_path / "model.safetensors.index.json").is_file()
    else:
        theirs.config.save_pretrained(tmp_path)
        weights = theirs.state_dict()
        if kind == "old names":
            names = {"original0": "weight_g", "original1": "weight_v"}
            weights = {
                name.replace("parametrizations.weight." + new, old): value
                for name, value in weights.items()
                for new, old in names.items()
                if new in name or not name[-9:-1].startswith("original")
            }
        if kind == "sharded bin":
            names = list(weights)
            parts = {"a.bin": names[::2], "b.bin": names[1::2]}
            for file, part in parts.items():
                torch.save({n: weights[n] for n in part}, tmp_path / file)
            index = {n: file for file, part in parts.items() for n in part}
            path = tmp_path / "pytorch_model.bin.index.json"
            path.write_text(json.dumps({"weight_map": index}))
        else:
            torch.save(weights, tmp_path / "pytorch_model.bin")
    check_equal(make_ours(read_source(tmp_path).checkpoint), theirs)


def test_model_without_quantizer_lists_what_is_missing(tmp_path, capsys):
    theirs = make_theirs("base", cls=transformers.Wav2Vec2Model)
    theirs.save_pretrained(tmp_path / "a")
    words = [str(tmp_path / "a"), "--output", str(tmp_path / "w.pt")]
    with pytest.raises(ValueError, match="expected a model of pretraining, or give"):
        import_ssl(words)
    shown = capsys.readouterr().out
    for name in ("quantizer.vars", "project_q.bias", "final_proj.weight"):
        assert name in shown
    assert not (tmp_path / "w.pt").exists()
    assert import_ssl([*words, "--init_strict", "false"]) == 0
    stored = read_source(tmp_path / "w.pt").checkpoint
    expected = theirs.state_dict()["encoder.layers.1.final_layer_norm.bias"]
    name = "encoder.layers.1.final_layer_norm.bias"
    assert torch.equal(stored.model_weight[name], expected)


def test_recognizer_head_is_named_and_not_dropped_in_silence(tmp_path, capsys):
    theirs = make_theirs("base", cls=transformers.Wav2Vec2ForCTC)
    theirs.save_pretrained(tmp_path / "a")
    with pytest.raises(ValueError, match="do not fit"):
        import_ssl([str(tmp_path / "a"), "--output", str(tmp_path / "w.pt")])
    assert "output layer: 32 tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "hubert"}, "model_type is hubert, expected wav2vec2"),
        ({"add_adapter": True}, "'add_adapter': True"),
        ({"layer_norm_eps": 1e-12}, "'layer_norm_eps': 1e-12"),
        ({"hidden_act": "silu"}, "'hidden_act': 'silu'"),
    ],
)
def test_settings_that_the_model_class_lacks_are_refused(change, message, tmp_path):
    make_theirs("base").save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        read_source(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_and_damaged_files_are_named(name, tmp_path):
    make_theirs("base").save_pretrained(tmp_path)
    (tmp_path / name).write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=f"{name}: "):
        read_source(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        read_source(tmp_path)


# fairseq


def fairseq_options(**more):
    """The options of a run, as fairseq's parser leaves them."""
    return {
        "extractor_mode": "layer_norm",
        "encoder_layers": 2,
        "encoder_embed_dim": 32,
        "encoder_ffn_embed_dim": 64,
        "encoder_attention_heads": 4,
        "activation_fn": "gelu",
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "encoder_layerdrop": 0.0,
        "dropout_input": 0.0,
        "dropout_features": 0.0,
        "final_dim": 12,
        "layer_norm_first": True,
        "conv_feature_layers": "[(24, 10, 5)] + [(24, 3, 2)] * 4 + [(24,2,2)] * 2",
        "conv_bias": True,
        "logit_temp": 0.1,
        "quantize_targets": True,
        "quantize_input": False,
        "same_quantizer": False,
        "feature_grad_mult": 1.0,
        "latent_vars": 6,
        "latent_groups": 2,
        "latent_dim": 0,
        "mask_length": 10,
        "mask_prob": 0.65,
        "mask_selection": "static",
        "mask_other": 0.0,
        "no_mask_overlap": False,
        "mask_min_space": 1,
        "mask_channel_prob": 0.0,
        "num_negatives": 100,
        "negatives_from_everywhere": False,
        "cross_sample_negatives": 0,
        "codebook_negatives": 0,
        "conv_pos": 16,
        "conv_pos_groups": 4,
        "latent_temp": "(2.0, 0.1, 0.999995)",
        "target_glu": False,
        **more,
    }


class FakeFairseq:
    """Modules whose classes a file names and that are gone when it is read."""

    def __enter__(self):
        module = types.ModuleType("fairseq.dataclass.constants")

        class Mode(enum.Enum):
            layer_norm = "layer_norm"

        Mode.__module__, Mode.__qualname__ = module.__name__, "Mode"
        module.Mode = Mode
        self.names = ("fairseq", "fairseq.dataclass", module.__name__)
        for name in self.names[:2]:
            sys.modules[name] = types.ModuleType(name)
        sys.modules[module.__name__] = module
        return Mode.layer_norm

    def __exit__(self, *_):
        for name in self.names:
            del sys.modules[name]


def fairseq_model():
    cfg = {**fairseq_options(), "latent_temp": [2.0, 0.1, 0.999995]}
    torch.manual_seed(4)
    return PretrainModel(make_model_cfg(cfg, "test"), LossOptions()).wav2vec2


def write_fairseq(path, layout, model):
    """Write a checkpoint in a layout fairseq has published models in."""
    from omegaconf import OmegaConf

    state = {
        "args": None,
        "model": model.state_dict(),
        "optimizer_history": [{"criterion_name": "Wav2vecCriterion", "num_updates": 9}],
        "extra_state": {"epoch": 1, "train_iterator": {"epoch": 2}},
        "last_optimizer_state": {"state": {0: {"exp_avg": torch.zeros(3)}}},
    }
    with FakeFairseq() as mode:
        options = fairseq_options(extractor_mode=mode)
        if layout == "args":
            extra = {"arch": "wav2vec2", "task": "audio_pretraining"}
            state["args"] = argparse.Namespace(**options, **extra, normalize=True)
        else:
            task = {"_name": "audio_pretraining", "normalize": True, "data": "/x"}
            options["latent_temp"] = [2.0, 0.1, 0.999995]
            options["checkpoint_activations"] = True
            cfg = {
                "_name": None,
                "common": {"fp16": True, "seed": 1, "log_file": None},
                "task": {**task, "max_sample_size": 320000, "labels": None},
                "model": {"_name": "wav2vec2", **options},
            }
            if layout == "omegaconf":
                cfg["model"]["extractor_mode"] = "layer_norm"
                cfg = OmegaConf.create(cfg)
            elif layout == "cfg of namespaces":
                cfg["model"] = argparse.Namespace(**cfg["model"])
            state["cfg"] = cfg
        zipped = layout != "args"  # older torch wrote no zip file
        torch.save(state, path, _use_new_zipfile_serialization=zipped)


@pytest.mark.parametrize("layout", ["args", "cfg", "omegaconf", "cfg of namespaces"])
def test_published_layouts_of_fairseq_load(layout, tmp_path, capsys):
    model = fairseq_model()
    path = tmp_path / "xlsr2 300m.pt"
    write_fairseq(path, layout, model)
    assert zipfile.is_zipfile(path) is (layout != "args")
    assert import_ssl([str(path), "--output", str(tmp_path / "w.pt")]) == 0
    shown = capsys.readouterr().out
    assert f"({'args' if layout == 'args' else 'cfg'} layout)" in shown
    assert "missing: none; unexpected: none" in shown
    stored = read_source(tmp_path / "w.pt").checkpoint
    assert stored.task_cfg["normalize"] is True
    assert stored.model_cfg["extractor_mode"] == "layer_norm"
    assert tuple(stored.model_cfg["latent_temp"]) == (2.0, 0.1, 0.999995)
    for name, value in model.state_dict().items():
        assert torch.equal(stored.model_weight[name], value), name


def test_finetuned_fairseq_model_is_refused(tmp_path):
    cfg = {"model": {"_name": "wav2vec_ctc", "w2v_path": "x"}, "task": {}}
    torch.save({"cfg": cfg, "model": {}, "x": argparse.Namespace()}, tmp_path / "f.pt")
    with pytest.raises(ValueError, match="found a fairseq model 'wav2vec_ctc'"):
        read_source(tmp_path / "f.pt")


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class Getter:
    """Reaches for a function through builtins."""

    def __reduce__(self):
        return getattr, (os, "system")


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_not_run(zipped, tmp_path):
    mark = tmp_path / "mark"
    state = {
        "model": {},
        "args": argparse.Namespace(bomb=Bomb(f"touch '{mark}'"), arch="wav2vec2"),
        "cfg": None,
        "more": [Getter.__reduce__],
    }
    path = tmp_path / "bomb.pt"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    if not zipped:
        pickle.dumps(state)
    stored = read_foreign(path)
    assert not mark.exists()
    assert stored["args"].state["bomb"].origin in ("posix.system", "nt.system")


def test_programs_and_rubbish_are_refused(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "jit.pt"))
    with pytest.raises(ValueError, match="found a TorchScript program"):
        read_source(tmp_path / "jit.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(ValueError, match="text.pt: found a text file"):
        read_source(tmp_path / "text.pt")
    torch.save({"a": 1}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="other.pt: found keys a, expected task_cfg"):
        read_source(tmp_path / "other.pt")
    with pytest.raises(ValueError, match="model.safetensors: holds weights only"):
        read_source(tmp_path / "model.safetensors")


def test_shapes_of_other_sizes_are_named():
    model = fairseq_model()
    weights = dict(model.state_dict())
    weights["project_q.bias"] = torch.zeros(3)
    cfg = make_model_cfg({**fairseq_options(), "latent_temp": [2.0, 0.1, 0.9]}, "test")
    checkpoint = Checkpoint(make_task_cfg({}, "test"), cfg, weights)
    with pytest.raises(ValueError, match=r"project_q.bias \(3,\) for \(12,\)"):
        fill_missing(checkpoint)


@pytest.fixture(params=["huggingface", "fairseq"])
def source(request, tmp_path):
    """Return a foreign model and its last feed-forward weights."""
    if request.param == "fairseq":
        model = fairseq_model()
        write_fairseq(tmp_path / "f.pt", "args", model)
        return tmp_path / "f.pt", model.encoder.layers[1].fc2.weight
    theirs = make_theirs("large")
    theirs.save_pretrained(tmp_path / "h")
    layer = theirs.wav2vec2.encoder.layers[1].feed_forward
    return tmp_path / "h", layer.output_dense.weight


def test_pretraining_starts_from_it_directly(source, tmp_path):
    from hamzaban.bin.train_ssl import _import_task

    shapes = tmp_path / "shape"
    shapes.write_text("a 16000\n", encoding="utf-8")
    task = _import_task()
    words = ["--init_checkpoint", source[0], "--output_dir", tmp_path / "exp"]
    words += ["--ngpu", 0, "--model_cfg", "dropout=0.2"]
    args = task.get_parser().parse_args([str(word) for word in words])
    model = task.build_model(args)
    assert torch.equal(model.wav2vec2.encoder.layers[1].fc2.weight, source[1])
    assert args.model_cfg["encoder_embed_dim"] == 32
    assert args.model_cfg["dropout"] == 0.2


def test_finetuning_starts_from_it_directly(source, tmp_path):
    from hamzaban.bin.train_asr import _import_task

    tokens = tmp_path / "tokens.txt"
    tokens.write_text("<blank>\n<unk>\nب\n<sos/eos>\n", encoding="utf-8")
    task = _import_task()
    words = ["--init_checkpoint", source[0], "--output_dir", tmp_path / "exp"]
    words += ["--ngpu", 0, "--token_type", "char", "--token_list", tokens]
    words += ["--model_conf", "ctc_weight=1.0"]
    args = task.get_parser().parse_args([str(word) for word in words])
    model = task.build_model(args)
    layers = model.frontend.model.encoder.layers
    assert torch.equal(layers[1].fc2.weight, source[1])


def test_finetuning_leaves_parts_out_if_init_strict_is_false(tmp_path, caplog):
    from hamzaban.asr.frontend import HamzabanS3prlFrontend
    from hamzaban.wav2vec2.convert.source import read_source as read

    make_theirs("base", cls=transformers.Wav2Vec2ForCTC).save_pretrained(tmp_path)
    stored = read(tmp_path).checkpoint
    stored.model_weight["another.bias"] = torch.zeros(1)
    frontend = HamzabanS3prlFrontend(model_cfg=stored.model_cfg)
    with pytest.raises(ValueError, match="unexpected: another.bias"):
        frontend.load_pretrained(stored.model_weight, "here")
    frontend.load_pretrained(stored.model_weight, "here", strict=False)
    assert "here: not all parameters fit: unexpected: another.bias" in caplog.text
    name = "encoder.layers.0.fc1.weight"
    assert torch.equal(frontend.model.state_dict()[name], stored.model_weight[name])
