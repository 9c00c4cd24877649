"""Install Hamzaban: the package in plugins/ and the command hamzaban."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def read_version() -> str:
    """Return __version__, read from the package without importing it."""
    init = ROOT / "plugins" / "hamzaban" / "__init__.py"
    for line in init.read_text(encoding="utf-8").splitlines():
        if line.startswith("__version__"):
            return line.split('"')[1]
    raise ValueError(f"{init}: no line __version__ = ...; expected one")


def read_readme() -> str:
    """Return the text of README.md, or '' if the file is missing."""
    readme = ROOT / "README.md"
    return readme.read_text(encoding="utf-8") if readme.is_file() else ""


# Files of the package that are no modules; conf is a link to the folder conf/ above.
KINDS = ("yaml", "json", "html", "css", "js", "j2", "svg", "tsv", "txt")
DATA = [*(f"**/*.{kind}" for kind in KINDS), "conf/*.yaml", "conf/*/*.yaml"]

# hamzaban/extras.py names the extra of a package that is missing.
EXTRAS = {
    # ESPnet, torch and torchaudio go together: only the two tested stacks are allowed.
    # requirements/ has the complete pinned sets.
    "train": [
        "espnet==202511 ; python_version < '3.12'",
        "espnet>=202611 ; python_version >= '3.12'",
        "torch>=2.8,<2.9 ; python_version < '3.12'",
        "torch>=2.11,<2.12 ; python_version >= '3.12'",
        "torchaudio>=2.8,<2.9 ; python_version < '3.12'",
        "torchaudio>=2.11,<2.12 ; python_version >= '3.12'",
        "s3prl>=0.4.18,<0.5",
        "kaldiio>=2.18",
        "matplotlib>=3.11",  # draws right-to-left text right
        "pyarrow>=15",
        "setuptools<81",
        "tensorboard>=2.15",
    ],
    "serve": [
        "python-multipart>=0.0.9",
        "starlette>=0.40",
        "uvicorn>=0.35",
        "websockets>=14",
    ],
    "export": ["onnx>=1.16", "transformers>=4.50"],
    "slurm": ["submitit>=1.5.3"],
}

setup(
    name="hamzaban",
    version=read_version(),
    description="Recipes and an ESPnet plugin for speech recognition with few labels",
    long_description=read_readme(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    package_dir={"": "plugins"},
    packages=find_packages("plugins"),
    package_data={"hamzaban": DATA},
    entry_points={"console_scripts": ["hamzaban = hamzaban.cli:main"]},
    python_requires=">=3.11,<3.13",
    # What transcribing, aligning and scoring need.
    install_requires=[
        "av>=14",
        "flashlight-text>=0.0.7",
        "huggingface-hub>=2.0,<3",
        "jinja2>=3.1",
        "jiwer>=4.0",
        "numpy>=2.0,<2.4",
        "onnxruntime>=1.20",
        "pyyaml>=6.0",
        "rapidfuzz>=3.9",
        "safetensors>=0.4",
        "scipy>=1.11",
        "sentencepiece>=0.2",
        "silero-vad>=6.2.3",
        "soundfile>=0.12",
        "soxr>=0.3.7",
        "torch>=2.8,<2.14",
        "tqdm>=4.65",
        "uroman>=1.3",
    ],
    extras_require=EXTRAS,
)
