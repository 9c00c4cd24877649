"""Training on the model's own labels: exact, resumable, stopped when they collapse."""

import pytest
import tiny_continuous
import tiny_training

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    tiny_continuous.import_task()
    folder = tmp_path_factory.mktemp("ohne etiketten ü")
    return tiny_continuous.write_inputs(folder)


@pytest.fixture(scope="module")
def whole(inputs):
    exp = inputs / "whole"
    words = tiny_continuous.make_command(inputs, exp, {"ema_decay": 0.9}, accum_grad=2)
    assert tiny_continuous.train(words) == 0
    return tiny_training.digests(exp)


def read_table(exp):
    head, *rows = (exp / "pseudo_labels.tsv").read_text().splitlines()
    return [dict(zip(head.split("\t"), row.split("\t"), strict=True)) for row in rows]


def test_run_writes_the_files_of_espnet_and_its_metrics(inputs, whole):
    assert {"2epoch.pth", "latest.pth", "valid.wer.ave.pth"} <= set(whole)
    first, second = read_table(inputs / "whole")
    assert first["cache"] == second["cache"] == "6"
    assert int(first["labelled"]) > 6 <= int(first["new"])
    assert int(second["updates"]) == 2 * int(first["updates"])


# An epoch has 6 updates or more, the fourth on pseudo-labels. It writes its state,
# pseudo_labels.tsv, checkpoint.pth, <n>epoch.pth, latest.pth, in this order.
@pytest.mark.parametrize("kill", [("step", 5), ("step", 9), ("replace", 9)])
def test_a_killed_run_ends_like_an_uninterrupted_one(inputs, whole, kill, tmp_path):
    words = tiny_continuous.make_command(
        inputs, tmp_path / "exp", {"ema_decay": 0.9}, accum_grad=2
    )
    assert tiny_continuous.train(words, kill) == -9
    assert tiny_continuous.train(words) == 0
    assert tiny_training.digests(tmp_path / "exp") == whole
    assert read_table(tmp_path / "exp") == read_table(inputs / "whole")


def test_other_seeds_and_teachers_train_other_models(inputs, whole, tmp_path):
    for name, conf, options in (
        ("seed", {"ema_decay": 0.9}, {"seed": 1}),
        ("student", {}, {}),
    ):
        words = tiny_continuous.make_command(
            inputs, tmp_path / name, conf, accum_grad=2, **options
        )
        assert tiny_continuous.train(words) == 0
        found = tiny_training.digests(tmp_path / name)
        assert found["2epoch.pth"] != whole["2epoch.pth"]


def test_planted_collapse_stops_the_run_with_its_reason(inputs, tmp_path):
    exp, errors = tmp_path / "exp", tmp_path / "errors"
    options = {"init_param": inputs / "silent.pth"}
    words = tiny_continuous.make_command(inputs, exp, **options)
    assert tiny_continuous.train(words, errors=errors) == 1
    reason = "pseudo-labels collapsed before update 4: rejected 1 over 0.7"
    assert reason in errors.read_text()
    assert reason in (exp / "collapsed").read_text()
    assert not (exp / "1epoch.pth").exists()


def test_state_that_is_missing_is_named(inputs, tmp_path):
    exp, errors = tmp_path / "exp", tmp_path / "errors"
    words = tiny_continuous.make_command(inputs, exp)
    assert tiny_continuous.train([*words, "--max_epoch", "1"]) == 0
    (exp / "continuous.1.rank0.pth").unlink()
    assert tiny_continuous.train(words, errors=errors) == 1
    assert "continuous.1.rank0.pth: missing" in errors.read_text()


def test_another_learning_rate_is_refused_on_resume(inputs, tmp_path):
    exp, errors = tmp_path / "exp", tmp_path / "errors"
    words = tiny_continuous.make_command(inputs, exp, max_epoch=1)
    assert tiny_continuous.train(words) == 0
    before = (exp / "config.yaml").read_bytes()
    words = tiny_continuous.make_command(inputs, exp, optim_conf="lr=0.5")
    assert tiny_continuous.train(words, errors=errors) == 1
    message = "config.yaml: optim_conf.lr is 0.0001, but now 0.5; a resumed run keeps"
    assert message in errors.read_text()
    assert (exp / "config.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unlabelled_data_dir": None}, "--unlabelled_data_dir is missing"),
        ({"save_interval": 3}, "save_interval is 3, expected 0"),
        ({"batch_type": "sorted"}, "batch_type is sorted, expected numel"),
        ({"conf": {"ratio": "[1]"}}, "continuous_conf: ratio"),
        (
            {"conf": {"warmup_updates": 500}},
            "warmup_updates 500, but the run has 18 updates",
        ),
        ({"max_updates": 2}, "warmup_updates 2, but the run has 2 updates; lower it"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    inputs, tmp_path, options, message
):
    errors = tmp_path / "errors"
    words = tiny_continuous.make_command(inputs, tmp_path / "exp", **options)
    assert tiny_continuous.train(words, errors=errors) == 1
    assert message in errors.read_text()


class Record:
    """Stands in for a phase and records the calls."""

    def __init__(self, events, **options):
        from hamzaban.pseudo.continuous.continuous_options import ContinuousOptions

        self.options, self.events = ContinuousOptions(**options), events
        self.cache = self.labeller = self
        self.batch_bins = 1

    def fill(self, model, update):
        self.events.append(f"fill {update}")

    def draw(self, update, number, bins):
        return [[f"{update}.{place}"] for place in range(number)]

    def follow(self, model):
        self.events.append("updated")

    def replace(self, model, update, drawn):
        self.events.append(f"replace {update} {len(drawn)}")


def test_an_epoch_takes_its_updates_in_turns():
    import itertools

    from hamzaban.pseudo.continuous.batches import ContinuousIterFactory

    events: list = []
    phase = Record(events, warmup_updates=1, ratio=(1, 2))
    factory = ContinuousIterFactory(
        None, phase, num_updates=4, accum_grad=2, seed=(0,), functions=(None, None)
    )
    factory.yield_labelled = lambda first: (f"L{n}" for n in itertools.count(first))
    factory.load = lambda drawn, numbers: (f"P{ids[0]}" for ids in drawn)
    for updates in (0, 4):
        batches = factory.build_iter(1)
        batches.begin(None, updates)
        assert len(batches) == 8
        for batch in batches:
            events.append(batch)
    warm_up = ["L0", "L1", "updated", "L2", "L3", "updated"]
    turn = ["fill 2", "P2.0", "P2.1", "updated", "P2.2", "P2.3", "updated"]
    assert events[:14] == [*warm_up, *turn, "replace 4 4"]
    assert events[14:20] == ["L4", "L5", "updated", "fill 5", "P5.0", "P5.1"]
    assert events[-3:] == ["L6", "L7", "updated"]


def test_labels_are_those_of_decoding_without_noise(inputs):
    import torch

    from hamzaban.decode.emissions import read_utterances
    from hamzaban.decode.make_emissions import compute_batches
    from hamzaban.decode.recognizer import load_recognizer
    from hamzaban.decode.search import SearchFiles
    from hamzaban.decode.searches.greedy import GreedySearch
    from hamzaban.pseudo.continuous.continuous_options import ContinuousOptions
    from hamzaban.pseudo.continuous.labeller import Labeller

    recognizer = load_recognizer(inputs / "exp", "valid.wer.ave.pth")
    utts = {utt.utt_id: utt for utt in read_utterances(inputs / "unlabelled")}
    options = ContinuousOptions(min_length_ratio=0.0, max_length_ratio=100.0)
    labeller = Labeller(utts, options, chars_per_s=1.0, batch_bins=60000)
    model = recognizer.model.train()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    found = labeller.label(model, None, [*utts, *utts])
    assert model.training and torch.equal(torch.get_rng_state(), before)
    model.eval()
    tokenizer = model.tokenizer
    decoder = GreedySearch().build(tokenizer, SearchFiles())
    for utt_id, utt in utts.items():
        ((_, log_probs, _),) = compute_batches(recognizer, [[utt]])
        (hyp,) = decoder.decode(log_probs)
        ids = [i for i in hyp.token_int if i != tokenizer.unk_id]
        text = tokenizer.tokens2text(tokenizer.ids2tokens(ids))
        assert found[utt_id].text == text.strip()
    assert any(judged.text for judged in found.values())


def test_teacher_is_the_running_mean_of_the_weights():
    import torch

    from hamzaban.pseudo.continuous.teacher import Teacher

    model = torch.nn.Linear(3, 2).double()
    model.bias.requires_grad_(False)
    expected = model.weight.detach().clone()
    teacher = Teacher(model, 0.9)
    for _ in range(5):
        with torch.no_grad():
            model.weight += torch.randn(2, 3).double()
        teacher.follow(model)
        expected = 0.9 * expected + 0.1 * model.weight.detach()
    torch.testing.assert_close(teacher.weights["weight"], expected)
    assert set(teacher.weights) == {"weight"}
    student, x = model.weight.detach().clone(), torch.randn(4, 3).double()
    with pytest.raises(KeyError), teacher.stand_in(model):
        torch.testing.assert_close(model(x), x @ expected.T + model.bias)
        raise KeyError
    assert torch.equal(model.weight, student)
    other = Teacher(model, 0.9)
    other.set_weights(teacher.weights)
    assert torch.equal(other.weights["weight"], teacher.weights["weight"])
    with pytest.raises(ValueError, match="another model"):
        other.set_weights({"x": student})
