"""Kill stages, mining and a round of pseudo-labels at random, and compare results.

    python tests/bench/kill_steps.py --kills 10 --only data,audio,mine,pseudo

Each job first runs undisturbed. Then, as often as asked, it is killed (SIGKILL to its
process group) at a random moment and run again to its end. The files must equal those
of the undisturbed run byte for byte, except for times of day
(tests/recipes/tiny_files.py). No temporary file, process or held lock may remain.
The stages are those of the tiny recipe; a job needs what the jobs before it leave,
which is made first.
"""

import argparse
import fcntl
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("", "plugins", "recipes")]

from tiny_files import list_differences  # noqa: E402
from tiny_recipe import make_recipe  # noqa: E402
from tiny_runs import list_paths, wait_for_end  # noqa: E402

STAGES = ("data", "audio", "pretrain", "tokens", "lm", "stats", "train", "decode")
STAGES = (*STAGES, "score", "report", "pack")
MAX_SHOWN = 5  # differences of a kill
# Files of mining that a rerun continues from; files of a round that hold seconds.
TIMED = re.compile(r'"label_s": [0-9.e-]+,?\s*')
OWN = ("out/state/", "pseudo/rounds.png")


@dataclass
class Job:
    """A command that is killed.

    Attributes:
        name: Name in the table.
        words: The command.
        before: Copy of the folder before the command.
    """

    name: str
    words: list[str]
    before: Path

    def place(self, name: str) -> Path:
        """Return the folder of another copy; links to the repository hold there."""
        return self.before.parents[1] / name / self.before.name


def start(job: Job, folder: Path) -> "subprocess.Popen[bytes]":
    """Start the command in a process group of its own."""
    with open(folder.parent / "messages", "wb") as stream:
        return subprocess.Popen(
            job.words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


def renew(job: Job, folder: Path) -> None:
    """Restore the folder as it is before the command."""
    shutil.rmtree(folder.parent, ignore_errors=True)
    shutil.copytree(job.before, folder, symlinks=True)


def run(job: Job, folder: Path) -> float:
    """Run the command to its end; return its seconds."""
    began = time.monotonic()
    status = start(job, folder).wait()
    if status:
        text = (folder.parent / "messages").read_text(encoding="utf-8")
        raise RuntimeError(f"{job.name}: exit status {status}\n{text[-3000:]}")
    return time.monotonic() - began


def list_held_locks(folder: Path) -> list[str]:
    """Return the lock files below a folder that a process holds."""
    held = []
    for path in folder.rglob(".*.lock"):
        with open(path, "rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(str(path))
    return held


def kill_once(job: Job, folder: Path, expected: Path, pause_s: float) -> list[str]:
    """Kill the command after a time, run it again; return what is wrong.

    Raises:
        TimeoutError: The command ended earlier.
    """
    renew(job, folder)
    process = start(job, folder)
    try:
        process.wait(pause_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    else:
        raise TimeoutError
    wait_for_end(folder, 60.0)  # raises where a process stays
    faults = [f"held lock {path}" for path in list_held_locks(folder)]
    run(job, folder)
    remove_times(folder)
    faults += [text for text in list_differences(folder, expected) if counts(text)]
    faults += [f"left {path}" for path in list_paths(folder) if ".tmp" in path]
    wait_for_end(folder, 60.0)  # multiprocessing's own process ends a moment later
    return faults


def counts(difference: str) -> bool:
    """Return whether a difference concerns results, not records for a rerun."""
    return not difference.startswith(OWN)


def kill_often(job: Job, rng: random.Random, num_kills: int) -> "Counter[str]":
    """Kill a job repeatedly and print faults; return counts of the outcomes."""
    folder, expected = job.place("work"), job.place(f"after {job.name}")
    renew(job, folder)
    duration_s = run(job, folder)
    remove_times(folder)
    shutil.rmtree(expected.parent, ignore_errors=True)
    shutil.copytree(folder, expected, symlinks=True)
    counts: Counter[str] = Counter()
    while counts["kills"] < num_kills and counts["ended before"] < 3 * num_kills:
        try:
            faults = kill_once(job, folder, expected, rng.uniform(0, duration_s))
        except TimeoutError:
            counts["ended before"] += 1
            continue
        except (AssertionError, RuntimeError) as error:
            faults = [str(error)]
        counts["kills"] += 1
        counts["faults" if faults else "identical"] += 1
        if faults:
            print(f"{job.name}: {faults[:MAX_SHOWN]}", flush=True)
    return counts


def make_stage_jobs(root: Path) -> list[Job]:
    """Return the stages of the tiny recipe; each starts from the one before."""
    recipe = make_recipe(root / "repository")
    copies = recipe.parents[1]
    before = [recipe, *(copies / f"after {name}" / recipe.name for name in STAGES)]
    words = ["./run.sh", "--stage"]
    return [
        Job(name, [*words, name, "--stop_stage", name], folder)
        for name, folder in zip(STAGES, before, strict=False)
    ]


def remove_times(folder: Path) -> None:
    """Remove the seconds that labelling took from the records of rounds."""
    for path in folder.glob("pseudo/**/status.json"):
        text = TIMED.sub("", path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
    for path in folder.glob("pseudo/**/rounds.tsv"):
        rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
        kept = [k for k, name in enumerate(rows[0]) if name != "label_s"]
        lines = ("\t".join(row[k] for k in kept) + "\n" for row in rows)
        path.write_text("".join(lines), encoding="utf-8")


def make_mining_job(root: Path) -> Job:
    """Return mining of three files, one of them in parts."""
    import mine_media
    import numpy as np

    folder = root / "media" / "asr1"
    mine_media.make_config(folder_of(folder), part_s=64.0, max_duration_s=16.0)
    speech = [mine_media.read_speech(spk, 40.0) for spk in ("spk03", "spk04", "spk10")]
    mine_media.write_media(folder / "media/long.mp3", np.concatenate(speech * 2))
    for number, part in enumerate(speech):
        mine_media.write_media(folder / f"media/{number}.opus", part)
    words = ["--config", "mine.yaml", "--nj", "2", "--output_dir", "out", "media"]
    return Job("mine", ["hamzaban", "mine", *words], folder)


def make_pseudo_job(root: Path) -> Job:
    """Return a round over emissions, from labels to the kept data."""
    import fuzz_model_readers
    from pseudo_rounds import options_of

    folder = folder_of(root / "round" / "asr1")
    fuzz_model_readers.write_round(folder, num_utts=200)
    words = options_of(Path(), "pseudo", 0, "--config", "pseudo.yaml", "--nj", "2")
    return Job("pseudo", ["hamzaban", "pseudo-label", *words], folder)


def folder_of(path: Path) -> Path:
    """Make a folder and return it."""
    path.mkdir(parents=True)
    return path


def main() -> None:
    """Read the options, kill, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=10, help="of each job")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin none later")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="mine,pseudo," + ",".join(STAGES))
    args = parser.parse_args()
    wanted, began = args.only.split(","), time.monotonic()
    rng = random.Random(args.seed)
    table = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        makers = {"mine": make_mining_job, "pseudo": make_pseudo_job}
        jobs = [makers[name](root) for name in makers if name in wanted]
        stages = make_stage_jobs(root) if set(STAGES) & set(wanted) else []
        last = max(
            (i for i, job in enumerate(stages) if job.name in wanted), default=-1
        )
        for job in [*jobs, *stages[: last + 1]]:
            if time.monotonic() - began > 60 * args.minutes:
                break
            num_kills = args.kills if job.name in wanted else 0
            table[job.name] = kill_often(job, rng, num_kills)
            print(job.name, dict(table[job.name]), flush=True)
    print("| job | kills | identical | faults |\n|---|---|---|---|")
    table["all"] = sum(table.values(), Counter())
    for name, counts in table.items():
        keys = ("kills", "identical", "faults")
        print(f"| {name} | {' | '.join(str(counts[key]) for key in keys)} |")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
