"""Operations of a run: compared with torch's counter and with published runs."""

import pytest

from hamzaban.bin.estimate_compute import main
from hamzaban.wav2vec2.compute import Run, count_operations, count_run
from repository import ROOT

pytestmark = pytest.mark.torch

SMALL = {
    "conv_feature_layers": "[(64, 10, 5)] + [(64, 3, 2)] * 4 + [(64, 2, 2)] * 2",
    "encoder_layers": 3,
    "encoder_embed_dim": 96,
    "encoder_ffn_embed_dim": 200,
    "encoder_attention_heads": 4,
    "conv_pos": 16,
    "conv_pos_groups": 4,
}


def test_count_equals_that_of_torch():
    import torch
    from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    model = Wav2Vec2Model(Wav2Vec2Config(**SMALL))
    model.remove_pretraining_modules()
    model.eval()
    counter = FlopCounterMode(display=False)  # which knows no fused attention of CPUs
    with counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model.extract_features(torch.zeros(1, 64000), padding_mask=None, mask=False)
    found = count_operations(SMALL, 64000)
    total = found.convolutions + found.transformer
    assert total == pytest.approx(counter.get_total_flops(), rel=0.01)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.feature_extractor(torch.zeros(1, 64000))
    assert found.convolutions == pytest.approx(counter.get_total_flops(), rel=1e-6)


def test_forward_and_backward_passes_are_counted():
    small = count_operations(SMALL, 32000)
    whole = count_run(SMALL, Run(20.0, 2.0))
    assert whole == pytest.approx(30 * (small.convolutions + small.transformer))
    frozen = count_run(SMALL, Run(20.0, 2.0, is_extractor_frozen=True))
    assert whole - frozen == pytest.approx(20 * small.convolutions)
    anew = count_run(SMALL, Run(20.0, 2.0, is_checkpointed=True))
    assert anew - whole == pytest.approx(10 * small.transformer)


def test_estimates_of_shared_configs(capsys):
    config = str(ROOT / "conf/pretrain/cp1_xlsr.yaml")
    assert main([config]) == 0
    text = capsys.readouterr().out
    assert "41667 updates of 16 h: 666,672 h of audio" in text
    first = float(text.split(" h on one A100")[0].split()[-1].replace(",", ""))
    main([config, "--mfu", "0.2"])
    text = capsys.readouterr().out
    half = float(text.split(" h on one A100")[0].split()[-1].replace(",", ""))
    assert half == pytest.approx(2 * first, rel=0.01)
    tuning = str(ROOT / "conf/tuning/train_ctc_tristage_4k.yaml")
    main([tuning, "--model_config", config, "--utterance_s", "5"])
    assert "4000 updates of 0.0278 h: 111 h of audio" in capsys.readouterr().out


def test_a_missing_value_is_named():
    config = str(ROOT / "conf/train_ctc.yaml")
    with pytest.raises(
        ValueError, match="has neither the length of training nor --updates"
    ):
        main([config])
    with pytest.raises(ValueError, match="--mfu is 2.0"):
        main([config, "--mfu", "2", "--updates", "1"])
