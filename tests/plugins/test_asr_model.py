"""The CTC model: its loss, its error counts, utterances that are too short."""

import pytest
import tiny_training

pytestmark = pytest.mark.torch

TOKENS = ["<blank>", "<unk>", "a", "b", "c", "<space>", "<sos/eos>"]


@pytest.fixture(scope="module")
def model():
    tiny_training.import_task()
    import torch
    from espnet2.asr.ctc import CTC

    from hamzaban.asr.frontend import HamzabanS3prlFrontend
    from hamzaban.asr.model import HamzabanCTC
    from hamzaban.text.tokens import CharTokenizer

    torch.manual_seed(0)
    cfg = {
        "encoder_layers": 1,
        "encoder_embed_dim": 16,
        "encoder_ffn_embed_dim": 32,
        "encoder_attention_heads": 2,
        "conv_feature_layers": "[(16, 10, 5)] + [(16, 8, 8)] * 2",  # 20 ms
        "conv_pos": 8,
        "conv_pos_groups": 2,
    }
    model = HamzabanCTC(
        vocab_size=len(TOKENS),
        token_list=TOKENS,
        ctc=CTC(odim=len(TOKENS), encoder_output_size=16),
        frontend=HamzabanS3prlFrontend(model_cfg=cfg),
        specaug=None,
        normalize=None,
        preencoder=None,
        encoder=None,
        postencoder=None,
    )
    model.tokenizer = CharTokenizer(TOKENS)
    return model.eval()


def make_batch(texts, lengths):
    import torch

    generator = torch.Generator().manual_seed(0)
    ids = [torch.tensor([TOKENS.index(t) for t in text], dtype=int) for text in texts]
    speech = [torch.randn(n, generator=generator) for n in lengths]
    pad = torch.nn.utils.rnn.pad_sequence
    return {
        "speech": pad(speech, batch_first=True),
        "speech_lengths": torch.tensor(lengths),
        "text": pad(ids, batch_first=True, padding_value=-1),
        "text_lengths": torch.tensor([len(i) for i in ids]),
        "utt_id": [f"utt{i}" for i in range(len(texts))],
    }


def test_loss_is_the_mean_over_utterances_computed_one_by_one(model):
    batch = make_batch(["abca", "ab", "aab"], [9600, 6400, 8000])
    together, stats, weight = model(**batch)
    alone = []
    for text, i in (("abca", 0), ("ab", 1), ("aab", 2)):
        one = make_batch([text], [int(batch["speech_lengths"][i])])
        one["speech"] = batch["speech"][i : i + 1, : one["speech_lengths"][0]]
        alone.append(model(**one)[0].item())
    assert together.item() == pytest.approx(sum(alone) / 3, rel=1e-5)
    assert weight.item() == 3
    assert stats["too_short"].item() == 0


def test_too_short_utterances_are_left_out_and_counted(model, caplog):
    # 640 samples make 1 frame, 100 none; "aa" needs 3.
    batch = make_batch(["abc", "aa", "b", "a"], [9600, 960, 100, 640])
    model._named.clear()
    loss, stats, _ = model(**batch)
    whole = make_batch(["abc", "a"], [9600, 640])
    whole["speech"] = batch["speech"][[0, 3]]
    assert loss.item() == pytest.approx(model(**whole)[0].item(), rel=1e-5)
    assert stats["too_short"].item() == 0.5
    assert "utt1" in caplog.text and "utt2" in caplog.text
    model(**batch)
    assert caplog.text.count("utt1") == 1


@pytest.mark.parametrize("lengths", [[100, 640], [0, 1]])
def test_batch_without_a_usable_utterance_has_a_gradient_of_zero(model, lengths):
    model.train()
    model.zero_grad()
    loss, stats, _ = model(**make_batch(["abc", "bca"], lengths))
    loss.backward()
    assert loss.item() == 0
    assert stats["too_short"].item() == 1
    assert all(not p.grad.any() for p in model.parameters() if p.grad is not None)
    model.eval()


def test_gradients_are_finite_with_short_utterances(model):
    model.train()
    model.zero_grad()
    model(**make_batch(["abcabc", "b", "aaaa"], [16000, 50, 800]))[0].backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(grads) > 10
    assert all(grad.isfinite().all() for grad in grads)
    model.eval()


def test_an_empty_transcript_has_a_finite_loss(model):
    loss, stats, _ = model(**make_batch(["", "ab"], [6400, 6400]))
    assert loss.isfinite()
    assert stats["too_short"].item() == 0


def test_frames_needed_count_repeats_inside_the_text_only():
    import torch

    from hamzaban.asr.model import count_ctc_frames

    text = torch.tensor([[2, 2, 2, 3], [2, 3, -1, -1], [4, 4, -1, -1], [-1] * 4])
    needed = count_ctc_frames(text, torch.tensor([4, 2, 2, 0]))
    assert needed.tolist() == [6, 2, 3, 1]


def test_errors_are_counted_on_the_text(model):
    import torch

    paths = ["aa_b__a", "a b_cc "]  # ab a... without a space: one word "aba"
    symbols = {"_": "<blank>", " ": "<space>"}
    ids = [[TOKENS.index(symbols.get(c, c)) for c in path] for path in paths]
    logits = torch.nn.functional.one_hot(torch.tensor(ids), len(TOKENS)).float()
    batch = make_batch([["a", "b", "<space>", "a"], ["a", "<unk>"]], [1, 1])
    stats = model.count_errors(
        logits, torch.tensor([7, 6]), batch["text"], batch["text_lengths"]
    )
    # "aba" for "ab a": 2 word errors of 2, 1 character of 4.
    # "a bc" for "a?" of one word: 2 word errors of 1, 3 of the characters.
    assert stats["words"] * 2 == 3
    assert stats["word_errors"] * 2 == 4
    assert stats["char_errors"] * 2 - 1 >= 3


def test_wer_is_counted_in_validation_only(model):
    batch = make_batch(["abc"], [9600])
    assert "word_errors" in model(**batch)[1]
    model.train()
    assert "word_errors" not in model(**batch)[1]
    model.eval()


def test_decoder_is_refused(model):
    from hamzaban.asr.model import HamzabanCTC

    with pytest.raises(ValueError, match="ctc_weight 0.3"):
        HamzabanCTC(len(TOKENS), TOKENS, model.ctc, ctc_weight=0.3)
