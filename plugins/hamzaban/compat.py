"""Differences between the versions of ESPnet, torchaudio, typeguard and S3PRL.

Supported: ESPnet 202511 (`espnet.*`) with torchaudio 2.8, and ESPnet 202611
(`espnet2.legacy.*`) with torchaudio 2.11; S3PRL 0.4.18 with both.

No other module depends on a version. `prepare()` makes it possible to import these
packages without noise and changes no behaviour; each package of hamzaban that needs
ESPnet calls it. `fast_imports()` is for our own commands: it defers imports that a CTC
recognizer on wav2vec 2.0 does not use.
"""

import argparse
import contextlib
import copy
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO, cast

_ALIGNMENTS = "espnet2.gan_tts.jets.alignments"
_QUIET = (
    (SyntaxWarning, '"is( not)?" with .*literal'),
    (SyntaxWarning, "invalid escape sequence"),
    (FutureWarning, r"`?torch\.(cuda|cpu)\.amp\."),
    (FutureWarning, r"`?torch\.nn\.utils\.weight_norm"),
    (UserWarning, r"pkg_resources is deprecated"),
    (UserWarning, r"The PyTorch API of nested tensors"),
    (UserWarning, r".*(torchaudio|TorchAudio|sox_effects|set_audio_backend)"),
)


def prepare() -> None:
    """Make ESPnet2 and S3PRL importable without noise; call before importing either.

    - torchaudio >= 2.9 gets back the names that S3PRL touches while it is imported;
    - `g2p_en`, which ESPnet 202511 imports for English phonemes and which then tries
      to download NLTK's data, is imported when it is first used;
    - warnings that no user of hamzaban can act on are not shown.

    This costs nothing until those packages are imported. A second call does nothing.
    """
    for category, message in _QUIET:
        warnings.filterwarnings("ignore", message, category)
    if "torchaudio" in sys.modules:
        _restore_torchaudio(sys.modules["torchaudio"])
    elif not any(isinstance(finder, _TorchaudioFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TorchaudioFinder())
    _put_off("g2p_en")


@contextlib.contextmanager
def fast_imports() -> Iterator[None]:
    """Import ESPnet in a third of the time, without what our models cannot use.

    While active, `transformers` cannot be imported (ESPnet then goes without its
    Hugging Face and BEATs classes), the TTS aligner that ESPnet's trainer knows for
    plots is an empty class, messages about optional packages are not printed, and
    typeguard rewrites a function when it is first called and not at import. Only
    commands may use this, around their imports: a library must not do so to its caller.
    """
    prepare()
    _put_off("scipy.signal")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_lazy_typeguard())
        stack.enter_context(_hidden("transformers"))
        out, err = _WithoutFlash(sys.stdout), _WithoutFlash(sys.stderr)
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        if _ALIGNMENTS not in sys.modules:
            import torch

            fake = types.ModuleType(_ALIGNMENTS)
            aligner = type("AlignmentModule", (torch.nn.Module,), {})
            fake.AlignmentModule = aligner  # type: ignore[attr-defined]
            sys.modules[_ALIGNMENTS] = fake
            stack.callback(sys.modules.pop, _ALIGNMENTS, None)
        _skip_dynamo(stack)
        yield


def espnet_legacy(name: str) -> types.ModuleType:
    """Import a module that ESPnet moved from `espnet` to `espnet2.legacy`.

    Args:
        name: Dotted name below either, such as "nets.pytorch_backend.nets_utils".
    """
    try:
        return importlib.import_module(f"espnet2.legacy.{name}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("espnet2.legacy"):
            raise
        return importlib.import_module(f"espnet.{name}")


def add_text_cleaner(prefix: str, find: Callable[[str], Callable[[str], str]]) -> None:
    """Make ESPnet's `TextCleaner` accept cleaners whose names begin with a prefix.

    ESPnet has a fixed chain of names and no list to add to; the class is the same in
    both stacks. A second call with the same prefix does nothing.

    Args:
        prefix: Such as "hamzaban/".
        find: Returns the function of a name; called for each text.
    """
    from espnet2.text.cleaner import TextCleaner

    known = TextCleaner.__call__
    if getattr(known, "prefix", None) == prefix:
        return

    def call(self: Any, text: str) -> str:
        for name in self.cleaner_types:
            if name.startswith(prefix):
                text = find(name)(text)
            else:
                one = copy.copy(self)
                one.cleaner_types = [name]
                text = known(one, text)
        return text

    call.prefix = prefix  # type: ignore[attr-defined]
    TextCleaner.__call__ = call


def open_choices(
    parser: argparse.ArgumentParser, option: str, check: Callable[[str], Any]
) -> None:
    """Make an option of ESPnet accept values that ESPnet does not list.

    Args:
        parser: Has the option, its values a list.
        option: Such as "cleaner".
        check: Raises ValueError for a value that is not known here either. Unlike in
            ESPnet, values of a YAML are checked, too.
    """
    action = next(action for action in parser._actions if action.dest == option)
    listed, convert = action.choices or [], cast(Callable[[str], Any], action.type)

    def read(text: str) -> Any:
        value = convert(text)
        if value not in listed:
            try:
                check(value)
            except ValueError as error:
                raise argparse.ArgumentTypeError(str(error)) from error
        return value

    action.choices, action.type = None, read


def espnet_version() -> str:
    """Return the version of the installed ESPnet, such as "202511"."""
    from importlib.metadata import version

    return version("espnet")


class _WithoutFlash(io.TextIOBase):
    """Passes text on, except for ESPnet's message that flash-attn is not installed."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.is_dropping = False

    def write(self, text: str) -> int:
        """Write a piece of text; `print` writes a line and its end in two calls."""
        is_end = self.is_dropping and text == "\n"
        self.is_dropping = text.startswith("Failed to import Flash Attention")
        if not (is_end or self.is_dropping):
            self.stream.write(text)
        return len(text)


class _LazyModule(types.ModuleType):
    """Stands in for a module that is imported when one of its names is first used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _put_off(name: str) -> None:
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is not None:
        module = _LazyModule(name)
        module.__spec__ = spec
        sys.modules[name] = module


class _TorchaudioFinder(importlib.abc.MetaPathFinder):
    """Finds torchaudio as usual and restores its old names after loading."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return torchaudio's spec with a loader that patches; None for the rest."""
        if fullname != "torchaudio":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        original = spec.loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            original(module)
            _restore_torchaudio(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _restore_torchaudio(torchaudio: types.ModuleType) -> None:
    if hasattr(torchaudio, "set_audio_backend"):
        return
    torchaudio.set_audio_backend = lambda backend: None  # type: ignore[attr-defined]
    sox_effects = types.ModuleType("torchaudio.sox_effects")
    for name in ("apply_effects_tensor", "apply_effects_file"):
        setattr(sox_effects, name, functools.partial(_no_sox, name))
    torchaudio.sox_effects = sox_effects  # type: ignore[attr-defined]
    sys.modules[sox_effects.__name__] = sox_effects


def _no_sox(name: str, *_: Any, **__: Any) -> None:
    raise RuntimeError(
        f"torchaudio.sox_effects.{name}: torchaudio >= 2.9 has no sox effects; "
        "use torchaudio 2.8"
    )


@contextlib.contextmanager
def _hidden(name: str) -> Iterator[None]:
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


@contextlib.contextmanager
def _lazy_typeguard() -> Iterator[None]:
    import typeguard

    eager = typeguard.typechecked

    def typechecked(target: Any = None, **options: Any) -> Any:
        if isinstance(target, (classmethod, staticmethod)) and not options:
            return type(target)(typechecked(target.__func__))
        if not isinstance(target, types.FunctionType) or options:
            return eager(target, **options)
        # A function inside a function takes names from the frame that defines it.
        return eager(target) if "<locals>" in target.__qualname__ else _later(target)

    def _later(target: Callable) -> Callable:
        checked: list[Callable] = []

        @functools.wraps(target)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not checked:
                checked.append(eager(target))
            return checked[0](*args, **kwargs)

        return call

    typeguard.typechecked = typechecked
    try:
        yield
    finally:
        typeguard.typechecked = eager


def _skip_dynamo(stack: contextlib.ExitStack) -> None:
    """Prevent `torch.compiler.disable` from importing `torch._dynamo` (3 s of CPU).

    ESPnet 202611 decorates one function with it. An optimizer's first step imports
    `torch._dynamo` anyway.
    """
    import torch

    disable = torch.compiler.disable
    torch.compiler.disable = lambda fn=None, *_, **__: fn or (lambda each: each)
    stack.callback(setattr, torch.compiler, "disable", disable)
