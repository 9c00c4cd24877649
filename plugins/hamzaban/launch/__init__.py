"""Run commands as jobs with logs, and skip the steps of a stage that are done.

`run_jobs` runs one command, or the numbered jobs of one, on a back end chosen by
name; `run_each` runs jobs that differ. `run_stage` runs a command only if its outputs,
inputs or options have changed.
"""

from hamzaban.launch.backends import Backend, Handle, Job, Resources
from hamzaban.launch.jobs import JobError, Place, run_each, run_jobs

__all__ = [
    "Backend",
    "Handle",
    "Job",
    "JobError",
    "Place",
    "Resources",
    "run_each",
    "run_jobs",
]
