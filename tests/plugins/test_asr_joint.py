"""The joint model: each head learns its own language only, beside a language-ID
head."""

import pytest
import tiny_training

pytestmark = pytest.mark.torch

TOKENS = ["<blank>", "<unk>", "a", "b", "c", "x", "<space>", "<sos/eos>"]
OWN = {"fa": ["<blank>", "<unk>", "a", "b", "<space>"]}
OWN["ur"] = ["<blank>", "<unk>", "b", "c", "x", "<space>"]
SIZES = {
    "encoder_layers": 1,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 32,
    "encoder_attention_heads": 2,
    "conv_feature_layers": "[(16, 10, 5)] + [(16, 8, 8)] * 2",  # 20 ms
    "conv_pos": 8,
    "conv_pos_groups": 2,
}


def build(**options):
    import torch
    from espnet2.asr.ctc import CTC

    from hamzaban.asr.frontend import HamzabanS3prlFrontend
    from hamzaban.asr.joint import JointCTC
    from hamzaban.text.tokens import CharTokenizer

    torch.manual_seed(0)
    parts = dict.fromkeys(["specaug", "normalize", "preencoder", "encoder"])
    model = JointCTC(
        vocab_size=len(TOKENS),
        token_list=TOKENS,
        ctc=CTC(odim=len(TOKENS), encoder_output_size=16),
        frontend=HamzabanS3prlFrontend(model_cfg=SIZES),
        postencoder=None,
        **parts,
        **{"languages": ["fa", "ur"], **options},
    )
    model.tokenizer = CharTokenizer(TOKENS)
    return model


@pytest.fixture(scope="module")
def model():
    tiny_training.import_task()
    return build(head_tokens=OWN)


def make_batch(texts, langs, samples=9600):
    import torch

    generator = torch.Generator().manual_seed(0)
    ids = [torch.tensor([TOKENS.index(t) for t in text]) for text in texts]
    pad = torch.nn.utils.rnn.pad_sequence
    return {
        "speech": torch.randn(len(texts), samples, generator=generator),
        "speech_lengths": torch.full((len(texts),), samples),
        "text": pad(ids, batch_first=True, padding_value=-1),
        "text_lengths": torch.tensor([len(i) for i in ids]),
        "lang": torch.tensor([[["fa", "ur"].index(lang)] for lang in langs]),
        "lang_lengths": torch.ones(len(texts), dtype=int),
        "utt_id": [f"utt{i}" for i in range(len(texts))],
    }


def compute_gradients(model, batch):
    model.train().zero_grad()
    model(**batch)[0].backward()
    model.eval()
    return {
        name
        for name, p in model.named_parameters()
        if p.grad is not None and p.grad.any()
    }


def test_only_the_head_of_the_language_learns(model):
    own = compute_gradients(model, make_batch(["ab", "ba"], ["fa", "fa"]))
    assert {"ctc.heads.fa.weight", "lid.weight"} <= own
    assert any(name.startswith("frontend") for name in own)
    assert not any("heads.ur" in name for name in own)
    assert model.ctc.heads["ur"].weight.grad is None
    both = compute_gradients(model, make_batch(["ab", "xc"], ["fa", "ur"]))
    assert {"ctc.heads.fa.weight", "ctc.heads.ur.weight"} <= both


def test_loss_of_a_mixed_batch_is_that_of_its_utterances(model):
    model.eval()
    batch = make_batch(["ab", "xc", "b"], ["fa", "ur", "ur"])
    loss, stats, weight = model(**batch)
    alone = [model(**{k: v[i : i + 1] for k, v in batch.items()}) for i in range(3)]
    assert loss.item() == pytest.approx(sum(x[0].item() for x in alone) / 3, rel=1e-5)
    assert weight.item() == 3
    lid = stats["loss"] - stats["loss_ctc"]
    assert lid.item() == pytest.approx(0.1 * stats["loss_lid"].item(), rel=1e-4)


def test_a_head_has_only_the_tokens_of_its_language(model):
    import torch

    hidden = torch.randn(2, 5, 16)
    log_probs = model.log_probs(hidden, ["fa", "ur"])
    assert log_probs.shape == (2, 5, len(TOKENS))
    assert torch.allclose(log_probs.exp().sum(-1), torch.ones(2, 5))
    chosen = [{TOKENS[i] for i in (x > -1000).nonzero()[:, 1]} for x in log_probs]
    assert chosen == [set(OWN["fa"]), set(OWN["ur"])]
    text = torch.tensor([[TOKENS.index("c"), TOKENS.index("a"), -1]])
    assert model.ctc.to_local(text, "ur").tolist() == [[3, 1, -1]]  # a is unknown to it


def test_too_short_utterances_are_left_out(model):
    model.eval()
    batch = make_batch(["ab", "xcxcxcxc"], ["fa", "ur"], samples=1600)
    _, stats, _ = model(**batch)
    one = {k: v[:1] for k, v in batch.items()}
    assert stats["too_short"].item() == 0.5
    expected = model(**one)[1]["loss_ctc"].item()
    assert stats["loss_ctc"].item() == pytest.approx(expected, rel=1e-5)


def test_errors_are_counted_by_language(model):
    model.eval()
    _, stats, _ = model(**make_batch(["ab", "xc", "b"], ["fa", "ur", "ur"]))
    assert stats["words_fa"] * 3 == pytest.approx(1)
    assert stats["words_ur"] * 3 == pytest.approx(2)
    assert stats["chars"] * 3 == pytest.approx(5)
    assert model.pooled_stats["wer_ur"] == ("word_errors_ur", "words_ur")
    _, alone, _ = model(**make_batch(["ab"], ["fa"]))
    assert alone["words_ur"] == 0  # a batch without a language has its terms as well


def test_padding_does_not_change_the_language_found(model):
    import torch

    model.eval()
    hidden = torch.randn(2, 8, 16)
    frames = torch.tensor([8, 5])
    scores = model.identify(hidden, frames)
    hidden[1, 5:] = 99.0
    assert torch.equal(scores, model.identify(hidden, frames))
    assert torch.allclose(
        model.identify(hidden[1:, :5], frames[1:]), scores[1:], atol=1e-6
    )


def test_language_id_is_learnt_together_with_the_text():
    import torch

    tiny_training.import_task()
    model = build(head_tokens=OWN, lid_weight=1.0).train()
    batch = make_batch(["ab", "xc", "b", "c"], ["fa", "ur", "fa", "ur"])
    batch["speech"][1::2] += 3 * torch.sin(torch.arange(9600) * 0.4)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        loss, stats, _ = model(**batch)
        loss.backward()
        optimizer.step()
    assert stats["lid_acc"].item() == 1


def test_shared_head_scores_all_tokens():
    import torch

    tiny_training.import_task()
    model = build(heads="shared").eval()
    assert model.ctc.ctc_lo.out_features == len(TOKENS)
    assert not model.has_heads
    log_probs = model.log_probs(torch.randn(2, 5, 16), ["fa", "ur"])
    assert (log_probs > -1000).all()
    assert model(**make_batch(["ab", "xc"], ["fa", "ur"]))[0].isfinite()


def test_a_zero_weight_builds_no_language_head():
    tiny_training.import_task()
    model = build(lid_weight=0).eval()
    assert model.lid is None
    assert "lid_acc" not in model(**make_batch(["ab"], ["fa"]))[1]


def test_a_batch_without_languages_is_refused(model):
    import torch

    with pytest.raises(ValueError, match="a CTC head for each of fa, ur"):
        model.ctc.log_softmax(torch.randn(1, 5, 16))
    batch = make_batch(["ab"], ["fa"])
    del batch["lang"]
    with pytest.raises(ValueError, match="a batch has no `lang`"):
        model(**batch)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": ["fa"]}, "expected two or more"),
        ({"languages": ["fa", "fa"]}, "expected two or more, each once"),
        ({"heads": "both"}, "heads is 'both', expected one of language, shared"),
        ({"heads": "shared", "head_tokens": OWN}, "is for heads: language"),
        ({"head_tokens": {"fa": OWN["fa"]}}, r"head_tokens has \['fa'\]"),
        ({"head_tokens": {**OWN, "ur": ["<blank>", "<unk>", "q"]}}, "'q' is not in"),
        ({"head_tokens": {**OWN, "ur": ["a"]}}, "expected blank and the unknown"),
        ({"lid_weight": -1.0}, "lid_weight is -1.0, expected 0 or more"),
    ],
)
def test_options_that_do_not_fit_are_refused(model, options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)
