"""A task of two processes that ESPnet2 starts, of which the first one fails."""

import os
import signal
import sys

from hamzaban import compat

with compat.fast_imports():
    import torch
    from espnet2.tasks.abs_task import AbsTask

    from hamzaban.train import task
    from hamzaban.train.task import TaskMixin

task.require_gpus = lambda ngpu: None  # its two processes need none
ERRORS = {
    "memory": RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0"),
    "user": ValueError("data/text:3: two\nlines"),
    "bug": KeyError("speech"),
}


class Failing:
    """In place of what ESPnet2 does in each process."""

    @classmethod
    def main_worker(cls, args):
        """Join the other process; fail, or wait for the one that fails."""
        if args.local_rank == 0 and args.output_dir == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        torch.distributed.init_process_group(
            "gloo",
            init_method=f"tcp://localhost:{args.dist_master_port}",
            rank=args.local_rank,
            world_size=2,
        )
        torch.distributed.barrier()
        if args.local_rank == 0:
            raise ERRORS[args.output_dir]
        torch.distributed.barrier()


class FailingTask(TaskMixin, Failing, AbsTask):
    """Our part of a task above one that fails; it has no options of its own."""

    @classmethod
    def _nothing(cls, *_, **__):
        return []

    add_task_arguments = build_collate_fn = build_preprocess_fn = _nothing
    required_data_names = optional_data_names = _nothing

    @classmethod
    def plan(cls, args):
        """Do nothing: there is no data."""


def main(cmd):
    """Stand in for `main` of a verb."""
    parser = FailingTask.get_parser()
    FailingTask.main(parser.parse_args(cmd))
    return 0


if __name__ == "__main__":
    from hamzaban import cli
    from hamzaban.bin import train_asr

    train_asr.main = main
    sys.exit(cli.main(["train-asr", *sys.argv[1:]]))
