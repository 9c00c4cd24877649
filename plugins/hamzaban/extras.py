"""The extras of the installation, and the packages that each of them brings.

setup.py lists the same packages with their versions.
"""

import importlib.util

# Name to import -> extra of setup.py that installs it.
EXTRA_OF = {
    "espnet": "train",
    "espnet2": "train",
    "kaldiio": "train",
    "matplotlib": "train",
    "pyarrow": "train",
    "s3prl": "train",
    "tensorboard": "train",
    "torchaudio": "train",
    "typeguard": "train",
    "multipart": "serve",
    "python_multipart": "serve",
    "starlette": "serve",
    "uvicorn": "serve",
    "websockets": "serve",
    "onnx": "export",
    "transformers": "export",
    "submitit": "slurm",
}


def is_installed(module: str) -> bool:
    """Return whether a module of the first level can be imported, without doing so."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def name_install(extra: str) -> str:
    """Return the command that installs the packages of an extra."""
    return f"`pip install 'hamzaban[{extra}]'`"


def describe_missing(error: ImportError) -> str:
    """Return an import that failed as one line with what to install.

    Returns:
        "" if the module is not one that an extra installs.
    """
    name = (error.name or "").partition(".")[0]
    extra = EXTRA_OF.get(name)
    if extra is None or is_installed(name):
        return ""
    return f"the package {name} is not installed; {name_install(extra)} installs it"
