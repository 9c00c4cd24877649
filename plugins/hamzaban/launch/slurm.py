"""Jobs on Slurm, submitted as arrays through submitit.

Beside the logs, a hidden folder .slurm/<digest>/ holds what submitit needs, how each
job ended, and `record.json`: which array of Slurm has which jobs. The digest stands for
the commands and for the run of the step. The same launch, made again after this machine
died, finds its jobs by it.
"""

import importlib.util
import logging
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hamzaban.launch.backends import Handle, Job, Resources
from hamzaban.launch.slurm_launch import Launch, SlurmHandle
from hamzaban.launch.slurm_options import SlurmOptions, read_options
from hamzaban.launch.slurm_queue import explain_refusal
from hamzaban.launch.slurm_task import Task


class SlurmBackend:
    """Runs jobs as arrays of Slurm."""

    def __init__(self, config: str = "", kind: str = "", **changes: str) -> None:
        """Read the settings, and check that jobs can be submitted from here.

        Args:
            config: conf/slurm.yaml, or a YAML based on it.
            kind: Kind of the jobs, such as `train`: a key of its `jobs`.
            changes: Values that replace those of the YAML.

        Raises:
            FileNotFoundError: The YAML is missing.
            ValueError: A setting is wrong, or submitit or sbatch is not installed.
        """
        self.config = config or "the settings (--backend_conf)"
        self.options = read_options(config, kind, changes)
        if importlib.util.find_spec("submitit") is None:
            raise ValueError(
                "back end 'slurm' needs the package submitit; call pip install "
                "'hamzaban[slurm]', or pip install submitit"
            )
        if shutil.which("sbatch") is None:
            raise ValueError(
                "back end 'slurm': no sbatch on PATH; run this on a login node of the "
                "cluster, or set cmd_backend=local in cmd.sh"
            )
        self.max_array = self.options.max_array
        self._launch: Launch | None = None

    def max_jobs(self, resources: Resources) -> int:
        """Return how many jobs may run at once, by the settings."""
        return self.options.max_tasks

    def submit(self, job: Job, resources: Resources) -> Handle:
        """Put one job into the queue."""
        return self.submit_array([job], resources, 1)[0]

    def find(
        self, jobs: Sequence[Job], wanted: Sequence[Job], home: Path | None = None
    ) -> dict[Job, Handle]:
        """Return the wanted jobs that are in the queue, or have succeeded, by a record.

        Args:
            jobs: All jobs of the launch, which decide where its record lies.
            wanted: Those to look for.
            home: A folder whose launches all have one record, whatever their jobs.

        Raises:
            ValueError: Slurm does not answer, so that jobs might be submitted twice.
        """
        self._launch = Launch(jobs, self.config, home)
        found = self._launch.find(wanted)
        if found:
            logging.info("%d of %d jobs are in Slurm's queue or done already: %s",
                         len(found), len(jobs), self._launch.folder)  # fmt: skip
        return dict(found)

    def submit_array(
        self, jobs: Sequence[Job], resources: Resources, max_jobs: int
    ) -> list[Handle]:
        """Put jobs into the queue as one array, of which `max_jobs` run at once.

        Raises:
            ValueError: sbatch refuses them.
        """
        launch = self._launch or Launch(jobs, self.config, None)
        self._launch = launch
        grace_s = max(self.options.signal_s - 10.0, 0.5 * self.options.signal_s)
        tasks = [Task(job, resources, launch.folder, grace_s) for job in jobs]
        name = launch.announce(jobs)
        parameters = describe_job(self.options, resources, name, max_jobs)
        ids = self._submit(tasks, launch.folder, parameters)
        launch.record(ids[0].partition("_")[0])
        logging.info(
            "Submitted %d jobs to Slurm as %s", len(jobs), ids[0].split("_")[0]
        )
        launch.watch.expect(ids)
        pairs = zip(jobs, ids, strict=True)
        return [SlurmHandle(job, job_id, launch.watch) for job, job_id in pairs]

    def forget(self) -> None:
        """Remove the folder of jobs that have all succeeded."""
        if self._launch is not None:
            self._launch.forget()

    def _submit(
        self, tasks: Sequence[Task], folder: Path, parameters: dict[str, Any]
    ) -> list[str]:
        import submitit

        executor = submitit.SlurmExecutor(folder, self.options.max_requeues)
        executor.update_parameters(**parameters)
        try:
            with executor.batch():
                jobs = [executor.submit(task) for task in tasks]
        except (
            submitit.core.utils.FailedJobError,
            subprocess.SubprocessError,
        ) as error:
            raise ValueError(explain_refusal(str(error), self.config)) from None
        return [str(job.job_id) for job in jobs]


def describe_job(
    options: SlurmOptions, resources: Resources, name: str, max_jobs: int
) -> dict[str, Any]:
    """Return the options of sbatch under the names that submitit has for them."""
    cpus = options.cpus or resources.num_cpus or resources.num_threads
    more: dict[str, Any] = {"requeue": True, **options.sbatch}
    found: dict[str, Any] = {
        "job_name": name,
        "time": max(round(options.time_h * 60), 1),
        "nodes": max(resources.num_nodes, options.nodes),
        "ntasks_per_node": 1,
        "cpus_per_task": cpus,
        "mem": None if options.mem_gb is None else f"{round(options.mem_gb * 1024)}M",
        "array_parallelism": max_jobs,
        "signal_delay_s": options.signal_s,
        "setup": list(options.setup) or None,
        "srun_args": ["--kill-on-bad-exit=1"],
        "additional_parameters": {k: v for k, v in more.items() if v is not False},
    }
    for key in ("partition", "account", "qos", "constraint"):
        found[key] = getattr(options, key)
    if resources.ngpu and options.gpu_type:
        found["gres"] = f"gpu:{options.gpu_type}:{resources.ngpu}"
    elif resources.ngpu:
        found["gpus_per_node"] = resources.ngpu
    return {key: value for key, value in found.items() if value is not None}
