"""Readers of models for the fuzz tests: of pieces, language, speech, and emissions."""

import json
from pathlib import Path

import pseudo_rounds
import yaml
from fuzzing import Reader

from hamzaban.cli import run_verb
from published.speech import draw_sentences, write_lines

EMISSIONS = ("--emissions_dir", "{}/emissions", "--ref", "{}/ref")
FILES = ("--lm_dir", "{}/lm", "--inference_config", "{}/search.yaml")
TUNE = ("tune-decoder", "--asr_exp", "{}/source exp", *EMISSIONS, *FILES)
SSL = ("import-ssl", "{}/hub", "--output", "{}/out.pt")
PSEUDO = ("pseudo-label", *pseudo_rounds.options_of(Path("{}"), "{}/pseudo", 0))
PSEUDO = (*PSEUDO, "--config", "{}/pseudo.yaml")
SEARCH = {
    "search": "lexicon",
    "lm_weight": 0.5,
    "beam_size": 4,
    "mapping": "perso_arabic",
    "tune": {"lm_weight": [0.0, 0.5]},
}

LM = {"word": {"order": 2, "prune": [0]}, "char": {"order": 3}, "bpe": None}
LM |= {"memory": "50M", "allow_leaks": {"exact": "made up", "near": "made up"}}


def write_round(folder: Path, num_utts: int = 8) -> None:
    """Write a model's tokens, a language model, emissions, and their configs."""
    folder.mkdir(parents=True, exist_ok=True)
    text = pseudo_rounds.write_inputs(folder, number=num_utts)
    (folder / "lm.yaml").write_text(yaml.safe_dump(LM), encoding="utf-8")
    words = ["--config", f"{folder}/lm.yaml", "--output_dir", f"{folder}/lm"]
    assert run_verb("train-lm", [*words, "--lm_text", f"{folder}/sentences"]) == 0
    utts = {u: pseudo_rounds.emit(text[u], k) for k, u in enumerate(sorted(text))}
    pseudo_rounds.write_emissions(folder / "emissions", utts)
    pseudo_rounds.write_emissions(folder / "pseudo/round_0/emissions", utts)
    base = str(Path(__file__).parents[2] / "conf" / "pseudo.yaml")
    values = {"base": base, "search": {"beam_size": 4}, "mapping": "perso_arabic"}
    for name, config in (("search", SEARCH), ("pseudo", values)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def write_pieces(folder: Path) -> None:
    """Write a SentencePiece model and text."""
    sentences = draw_sentences("fa", 60)
    write_lines(folder / "text", [f"utt{k:02} {s}" for k, s in enumerate(sentences)])
    words = ["--nbpe", "20", "--output_dir", f"{folder}/tokens", f"{folder}/text"]
    assert run_verb("make-tokens", words) == 0


def write_arpa(folder: Path) -> None:
    """Write text and a config of train-lm."""
    for name, seed in (("train", 0), ("valid", 1)):
        sentences = draw_sentences("ar", 60, seed)
        write_lines(folder / name, [f"u{k:02} {s}" for k, s in enumerate(sentences)])
    (folder / "lm.yaml").write_text(yaml.safe_dump(LM), encoding="utf-8")


def write_hub(folder: Path) -> None:
    """Write a wav2vec 2.0 model as ours and as Hugging Face's."""
    import tiny_experiment

    tiny_experiment.write_checkpoint(folder / "seed.pt", width=16, layers=1)
    words = [f"{folder}/seed.pt", "--output_dir", f"{folder}/hub"]
    assert run_verb("export-ssl", words) == 0
    path = folder / "hub" / "preprocessor_config.json"
    path.write_text(json.dumps({"do_normalize": False}), encoding="utf-8")


def light_readers() -> list[Reader]:
    """Return the readers that need no torch."""
    score = ("score-text", "--ref", "{}/text", "--hyp", "{}/text", "--scorer", "own")
    pieces = ("--bpemodel", "{}/tokens/bpe.model", "--output_dir", "{}/out")
    tuned = ("out/weights.yaml",)
    tune = (*TUNE, "--output_dir", "{}/out")
    exp = "source exp"
    labels = ("pseudo/round_0/status.json",)
    train = ("--train_text", "{}/train", "--valid_text", "{}/valid")
    model = ("train-lm", "--config", "{}/lm.yaml", "--output_dir", "{}/out", *train)
    return [
        Reader(
            "bpe.model: score",
            write_pieces,
            ("tokens/bpe.model",),
            (*score, *pieces),
            "binary",
        ),
        Reader(
            "tokens.txt: tune", write_round, (f"{exp}/tokens.txt",), tune, "text", tuned
        ),
        Reader(
            "config.yaml: tune",
            write_round,
            (f"{exp}/config.yaml",),
            tune,
            "yaml",
            tuned,
        ),
        Reader("search.yaml: tune", write_round, ("search.yaml",), tune, "yaml", tuned),
        Reader("lm.bin: tune", write_round, ("lm/word/lm.bin",), tune, "binary", tuned),
        Reader(
            "units.txt: tune", write_round, ("lm/word/units.txt",), tune, "text", tuned
        ),
        Reader("emissions: tune", write_round, ("emissions/*",), tune, "binary", tuned),
        Reader(
            "pseudo.yaml: pseudo-label",
            write_round,
            ("pseudo.yaml",),
            PSEUDO,
            "yaml",
            labels,
        ),
        Reader(
            "emissions: pseudo-label",
            write_round,
            ("pseudo/**/*",),
            PSEUDO,
            "binary",
            labels,
        ),
        Reader("lm.yaml: train-lm", write_arpa, ("lm.yaml",), model, "yaml"),
        Reader("text: train-lm", write_arpa, ("train", "valid"), model),
    ]


def torch_readers() -> list[Reader]:
    """Return the readers that import torch."""
    ours = ("import-ssl", "{}/seed.pt", "--output", "{}/out.pt")
    export = ("export-ssl", "{}/seed.pt", "--output_dir", "{}/out")
    made = ("out.pt", "out/model.safetensors", "out/config.json")
    return [
        Reader(
            "config.json: import-ssl", write_hub, ("hub/*.json",), SSL, "json", made
        ),
        Reader(
            "safetensors: import-ssl",
            write_hub,
            ("hub/*.safetensors",),
            SSL,
            "binary",
            made,
        ),
        Reader("pt: import-ssl", write_hub, ("seed.pt",), ours, "binary", made),
        Reader("pt: export-ssl", write_hub, ("seed.pt",), export, "binary", made),
    ]


def all_readers() -> list[Reader]:
    """Return the readers of models."""
    return [*light_readers(), *torch_readers()]
