"""Find the programs of NIST SCTK."""

import shutil


def find_program(name: str) -> list[str] | None:
    """Return the command that runs a program of NIST SCTK.

    Args:
        name: `sclite` or `sc_stats`.

    Returns:
        The program, or Debian's `sctk <name>`; None if neither is on PATH.
    """
    if shutil.which(name):
        return [name]
    if shutil.which("sctk"):
        return ["sctk", name]
    return None


def choose_program(name: str, scorer: str) -> list[str] | None:
    """Return the command of a program of NIST SCTK, or None to do without it.

    Args:
        name: `sclite` or `sc_stats`.
        scorer: `auto` (the program if installed), `sclite` (required) or `own`.

    Raises:
        FileNotFoundError: The program is required and not installed.
    """
    command = None if scorer == "own" else find_program(name)
    if scorer == "sclite" and command is None:
        raise FileNotFoundError(
            f"{name}: not installed; expected `{name}` or Debian's `sctk` on PATH; "
            "install it (apt-get install sctk) or choose --scorer own"
        )
    return command
