"""Work on configs: merge one with its bases, read values, list the files it names.

The recipes' drivers use it, since they read no YAML or JSON themselves.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

GROUP = "run"
CHECKED = (  # options of asr.sh, and the names of the stages that will run
    *("stages", "asr_config", "asr_args", "inference_config", "lm_config", "lm"),
    *("lm_text", "pretrain_config", "pretrain_args", "pretrain_init"),
    *("ssl_checkpoint", "token_type", "ngpu"),
)


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for add_parser in (
        _add_merge, _add_get, _add_inputs, _add_files, _add_fit, _add_options,
        _add_uses_lm, _add_check,
    ):  # fmt: skip
        add_parser(actions)
    return parser


def _new(actions: Any, action: Callable[..., None], text: str) -> Any:
    """Add an action that is called as its function; return its parser's adder."""
    name = action.__name__.removeprefix("run_")
    parser = actions.add_parser(name, help=text, description=f"{text}.")
    parser.set_defaults(run=action)
    parser.add_argument("config", type=Path, help="YAML, may have `base: PATH`")
    return parser.add_argument


def _add_merge(actions: Any) -> None:
    add = _new(actions, run_merge, "Write a config and its bases as one file")
    add("output", type=Path, help="YAML to write; left alone if nothing would change")
    add("--leave_out", metavar="KEY", default=[], nargs="+", help="keys to leave out")
    add("--base", metavar="PATH", help="write `base: PATH` as the first key")


def _add_get(actions: Any) -> None:
    add = _new(actions, run_get, "Print values, one per line; empty if null or missing")
    add(
        "keys",
        nargs="+",
        metavar="KEY",
        help="name of a value, such as search or guard.patience",
    )


def _add_inputs(actions: Any) -> None:
    text = "Print the files that a config of pseudo-label or decode-asr reads"
    add = _new(actions, run_inputs, text)
    add(
        "--round",
        type=int,
        dest="number",
        help="number to put for {round} in `filters: others`",
    )


def _add_files(actions: Any) -> None:
    text = "Print the files that values name, and those in data directories"
    add = _new(actions, run_files, text)
    add(
        "words",
        nargs="*",
        metavar="-- WORD",
        help="options that may name files as well",
    )


def _add_fit(actions: Any) -> None:
    text = "Write a config of train-asr whose model fits the weights of a trained one"
    add = _new(actions, run_fit, text)
    add("output", type=Path, help="YAML to write; left alone if nothing would change")
    add("--source_exp", type=Path, required=True, help="exp/asr_<tag> of train-asr")
    add(
        "--start",
        choices=("source", "random"),
        default="source",
        help="source: training begins with the weights of --source_exp, whose "
        "parts and sizes the model takes; random: with none (default: %(default)s)",
    )


def _add_options(actions: Any) -> None:
    text = "Print the `options` of a config of pseudo-labels, one word a line"
    add = _new(actions, run_options, text)
    add(
        "changes",
        nargs="*",
        metavar="NAME=VALUE",
        help="options that replace those in the YAML",
    )


def _add_uses_lm(actions: Any) -> None:
    _new(actions, run_uses_lm, "Print whether a search uses a language model's weights")


def _add_check(actions: Any) -> None:
    text = "Check that the options of asr.sh work together, before its stages run"
    parser = actions.add_parser("check", help=text, description=f"{text}.")
    parser.set_defaults(run=run_check)
    for name in CHECKED:
        parser.add_argument(f"--{name}", default="", metavar="X")


def main(cmd: Sequence[str] | None = None) -> int:
    """Run an action; return the exit status."""
    words = list(cmd or [])
    end = words.index("--") if "--" in words else len(words)
    args = vars(get_parser().parse_args(words[:end]))
    if "words" in args:
        args["words"] += words[end + 1 :]
    run = args.pop("run")
    args.pop("action")
    run(**args)
    return 0


def run_merge(
    config: Path, output: Path, leave_out: Sequence[str], base: str | None
) -> None:
    """Write a config whose own values replace those of its bases."""
    from hamzaban.config import BASE_KEY, read_config, write_config

    values, files = read_config(config)
    first = {} if base is None else {BASE_KEY: base}
    kept = {name: value for name, value in values.items() if name not in leave_out}
    write_config(first | kept, output, _describe(files))


def run_fit(config: Path, output: Path, source_exp: Path, start: str) -> None:
    """Write a config with the parts of the model of `source_exp`."""
    from hamzaban.config import read_config, write_config
    from hamzaban.pseudo.architecture import read_source, take_architecture

    source = read_source(source_exp)
    values, files = read_config(config)
    comment = _describe(files)
    if start == "source":
        values = take_architecture(values, source)
        comment += f"; the model's parts are those of {source_exp}"
    write_config(values, output, comment)


def _describe(files: Sequence[Path]) -> str:
    return "Made from " + ", then ".join(str(file) for file in files)


def run_get(config: Path, keys: Sequence[str]) -> None:
    """Print the values of keys."""
    from hamzaban.config import read_config

    if config.suffix == ".json":
        try:
            values = json.loads(config.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{config}: not JSON ({error}); write it again") from error
    else:
        values = read_config(config)[0]
    for key in keys:
        value: Any = values
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                print(item if isinstance(item, str) else json.dumps(item))


def run_inputs(config: Path, number: int | None) -> None:
    """Print the bases, the table of `mapping`, and the decodings of `others`."""
    from hamzaban.pseudo.inputs import list_inputs

    for path in list_inputs(config, number):
        print(path)


def run_files(config: Path, words: Sequence[str]) -> None:
    """Print the files that values of a config, or options, name."""
    from hamzaban.config import list_named_files, read_config

    for path in list_named_files(read_config(config)[0], words):
        print(path)


def run_options(config: Path, changes: Sequence[str]) -> None:
    """Print the options for pseudo.sh: `--name` and its value, each a line."""
    from hamzaban.pseudo.recipe_options import read_recipe_options

    for name, value in read_recipe_options(config, changes).items():
        print(f"--{name}\n{value}")


def run_check(**given: str) -> None:
    """Check options of a recipe; what is empty is not given."""
    from hamzaban.recipe.combinations import RecipeOptions, check_recipe

    lists = {"inference_config", "asr_args", "pretrain_args"}
    values: dict[str, Any] = {k: v for k, v in given.items() if v}
    values |= {k: tuple(v.split()) for k, v in values.items() if k in lists}
    values["stages"] = frozenset(given["stages"].split())
    values["ngpu"] = int(given["ngpu"] or 0)
    for name in ("asr_config", "lm_config", "lm", "pretrain_config"):
        if name in values:
            values[name] = Path(values[name])
    configs = values.get("inference_config", ())
    values["inference_config"] = tuple(map(Path, configs))
    check_recipe(RecipeOptions(**values))


def run_uses_lm(config: Path) -> None:
    """Print true if the search reads a language model, else false."""
    from hamzaban.decode.search_options import needs_lm

    print(json.dumps(needs_lm(config)))
