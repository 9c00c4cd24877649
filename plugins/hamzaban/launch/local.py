"""Jobs as processes of this machine."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable

from hamzaban.launch.backends import Job, Resources, job_environment
from hamzaban.processes import die_with_parent


def exit_status(returncode: int) -> int:
    """Return the exit status that a shell reports: 128 + number after a signal."""
    return returncode if returncode >= 0 else 128 - returncode


class LocalHandle:
    """A job that runs as the leader of a process group of its own."""

    def __init__(
        self, process: subprocess.Popen[bytes], on_end: Callable[[], None]
    ) -> None:
        """Keep a started process, and a function to call once when it has ended."""
        self._process = process
        self._on_end: Callable[[], None] | None = on_end

    def poll(self) -> int | None:
        """Return the exit status; None while the job runs."""
        returncode = self._process.poll()
        if returncode is None:
            return None
        if self._on_end is not None:
            self._on_end()
            self._on_end = None
        return exit_status(returncode)

    def cancel(self) -> None:
        """Send SIGTERM to the process group."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the process group and wait for its leader."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self.poll()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):  # the whole group has ended
            return


class LocalBackend:
    """Runs jobs as processes of this machine, each with GPUs of its own."""

    def __init__(self, **conf: str) -> None:
        """Accept no settings.

        Raises:
            ValueError: A setting is given.
        """
        if conf:
            raise ValueError(f"back end 'local' has no setting '{next(iter(conf))}'")
        self._free_gpus: list[str] | None = None

    def max_jobs(self, resources: Resources) -> int:
        """Return how many jobs fit on the cores, and on the GPUs if asked for, at once.

        Raises:
            ValueError: More GPUs or machines are asked for than there are.
        """
        if resources.num_nodes > 1:
            raise ValueError(
                f"back end 'local' is one machine, num_nodes is {resources.num_nodes};"
                " choose a back end for several"
            )
        if resources.ngpu == 0:
            return max(1, len(os.sched_getaffinity(0)) // (resources.num_threads or 1))
        gpus = list_gpus()
        if len(gpus) < resources.ngpu:
            raise ValueError(
                f"a job asks for {resources.ngpu} GPU, this machine shows {len(gpus)};"
                " lower --ngpu"
            )
        return len(gpus) // resources.ngpu

    def submit(self, job: Job, resources: Resources) -> LocalHandle:
        """Start the job now.

        Raises:
            ValueError: All GPUs are in use by jobs of this back end.
        """
        environment = job_environment(job, resources)
        gpus = self._take_gpus(resources.ngpu)
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        with open(job.log, "ab") as log:
            process = subprocess.Popen(
                job.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        return LocalHandle(process, lambda: self._give_back(gpus))

    def _take_gpus(self, ngpu: int) -> list[str]:
        if ngpu == 0:
            return []
        if self._free_gpus is None:
            self._free_gpus = list_gpus()
        if len(self._free_gpus) < ngpu:
            raise ValueError(f"{len(self._free_gpus)} GPUs are free, {ngpu} needed")
        taken, self._free_gpus = self._free_gpus[:ngpu], self._free_gpus[ngpu:]
        return taken

    def _give_back(self, gpus: list[str]) -> None:
        self._free_gpus = gpus + (self._free_gpus or [])


def list_gpus() -> list[str]:
    """Return the GPUs this process may use, as CUDA_VISIBLE_DEVICES names them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return found.stdout.split() if found.returncode == 0 else []
