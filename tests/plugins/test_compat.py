"""ESPnet and S3PRL import quietly under both stacks, and fast in our commands."""

import subprocess
import sys
import types

import pytest

from hamzaban import compat

pytestmark = pytest.mark.torch


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    return done


def test_fast_imports_leave_out_what_ctc_does_not_use():
    done = run(
        "import sys\n"
        "from hamzaban import compat\n"
        "with compat.fast_imports():\n"
        "    from hamzaban.asr.task import ASRTask\n"
        "ASRTask.get_parser()\n"
        "heavy = ['transformers', 'nltk', 'numba', 's3prl.hub', 'scipy.optimize']\n"
        "print([name for name in heavy if name in sys.modules])\n"
        "import transformers, scipy.signal\n"
        "print(len(scipy.signal.get_window('hann', 8)), compat.espnet_version())\n"
        "from espnet2.gan_tts.jets.alignments import AlignmentModule\n"
        "print(AlignmentModule(2, 2).forward.__name__)\n"
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "[]"
    assert lines[1].startswith("8 20")
    assert lines[2] == "forward"
    for noise in ("nltk", "flash", "Warning"):
        assert noise not in done.stdout + done.stderr


def test_espnets_own_s3prl_frontend_trains(tmp_path):
    import tiny_experiment

    tiny_experiment.write_checkpoint(tmp_path / "seed.pt")
    done = run(
        "from hamzaban import compat\n"
        "compat.prepare()\n"
        "import torch\n"
        "from espnet2.asr.frontend.s3prl import S3prlFrontend\n"
        f"path = {str(tmp_path / 'seed.pt')!r}\n"
        "conf = {'upstream': 'wav2vec2_custom', 'path_or_url': path}\n"
        "frontend = S3prlFrontend(frontend_conf=conf)\n"
        "feats, lens = frontend(torch.randn(2, 8000), torch.tensor([8000, 6000]))\n"
        "feats.sum().backward()\n"
        "print(sum(p.grad is not None for p in frontend.upstream.parameters()) > 9)\n"
    )
    assert done.stdout.splitlines()[-1] == "True"
    assert "nltk" not in done.stdout + done.stderr


def test_torchaudio_gets_its_old_names_back():
    old = types.ModuleType("torchaudio")
    old.set_audio_backend = kept = object()
    compat._restore_torchaudio(old)
    assert old.set_audio_backend is kept
    assert not hasattr(old, "sox_effects")

    saved = sys.modules.get("torchaudio.sox_effects")
    try:
        new = types.ModuleType("torchaudio")
        compat._restore_torchaudio(new)
        new.set_audio_backend("sox_io")
        with pytest.raises(RuntimeError, match="apply_effects_tensor.*use torchaudio"):
            new.sox_effects.apply_effects_tensor(None, 16000, [])
    finally:
        sys.modules.pop("torchaudio.sox_effects", None)
        if saved is not None:
            sys.modules["torchaudio.sox_effects"] = saved


def test_preparing_twice_adds_one_import_finder():
    compat.prepare()
    compat.prepare()
    finders = [f for f in sys.meta_path if isinstance(f, compat._TorchaudioFinder)]
    assert len(finders) <= 1


def test_types_are_still_checked_when_a_function_is_called():
    import typeguard

    eager = typeguard.typechecked
    with compat._lazy_typeguard():
        from typeguard import typechecked

        assert typechecked is not eager
        lazy = typechecked(_double)
        bound = typechecked(staticmethod(_double))
    assert typeguard.typechecked is eager
    assert lazy(2) == 4 and lazy.__name__ == "_double"
    with pytest.raises(typeguard.TypeCheckError):
        lazy("2")
    assert isinstance(bound, staticmethod)


def _double(number: int) -> int:
    return 2 * number


def test_lazy_module_is_imported_when_it_is_used(tmp_path, monkeypatch):
    (tmp_path / "put_off_for_test.py").write_text("value = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    compat._put_off("put_off_for_test")
    import put_off_for_test

    assert isinstance(put_off_for_test, compat._LazyModule)
    assert not hasattr(put_off_for_test, "__path__")
    assert put_off_for_test.value == 3
    assert sys.modules["put_off_for_test"].value == 3
    compat._put_off("no_such_module_for_test")
    assert "no_such_module_for_test" not in sys.modules


def test_legacy_modules_are_found_in_both_stacks():
    module = compat.espnet_legacy("utils.cli_utils")
    assert module.get_commandline_args
    with pytest.raises(ModuleNotFoundError):
        compat.espnet_legacy("no_such_module")
