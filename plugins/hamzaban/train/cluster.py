"""Join the processes of a training that srun has started, on one node or several.

ESPnet and torch find each other by the variables that torchrun sets: RANK, WORLD_SIZE,
MASTER_ADDR, MASTER_PORT, LOCAL_RANK. Here they are set from those of Slurm. With one
task a node, the first two count nodes, and ESPnet starts a process for each GPU.
"""

import argparse
import logging
import os
import socket
import subprocess
from collections.abc import Mapping

FIRST_PORT, NUM_PORTS = 20000, 12000  # below those that Linux gives to clients
# Of a step of srun. SLURM_NTASKS is that of the whole job, of which a shell is a task.
NEEDED = (
    "SLURM_PROCID",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_STEP_NODELIST",
    "SLURM_STEP_NUM_NODES",
)


def join(args: argparse.Namespace) -> None:
    """Set the variables and options by which processes under srun train together.

    Without srun, with one task, or if a launcher has set RANK, the variables stay as
    they are. NCCL, which needs GPUs, becomes gloo on CPUs.

    Args:
        args: Options of an ESPnet2 task; changed.

    Raises:
        ValueError: The tasks and GPUs of the job do not fit the options.
    """
    given = args.dist_launcher or args.dist_rank is not None or "RANK" in os.environ
    if not given and is_one_of_many(os.environ):
        variables = describe_rank(os.environ, args.ngpu)
        os.environ.update(variables)
        if "LOCAL_RANK" in variables:
            args.multiprocessing_distributed = False
            args.ngpu = min(args.ngpu, 1)
        logging.info(
            "Slurm: task %s of %s, first node %s:%s",
            variables["RANK"], variables["WORLD_SIZE"],
            variables["MASTER_ADDR"], variables["MASTER_PORT"],
        )  # fmt: skip
    if args.ngpu == 0 and args.dist_backend == "nccl":
        args.dist_backend = "gloo"


def is_one_of_many(environment: Mapping[str, str]) -> bool:
    """Return whether srun has started this process together with others."""
    is_step = all(name in environment for name in NEEDED)
    return is_step and int(environment["SLURM_STEP_NUM_TASKS"]) > 1


def describe_rank(environment: Mapping[str, str], ngpu: int) -> dict[str, str]:
    """Return the variables of torchrun for a task of srun.

    Args:
        environment: Has the variables of Slurm.
        ngpu: GPUs that the options ask for, on each node.

    Raises:
        ValueError: There are neither as many tasks on a node as GPUs, nor one.
    """
    tasks, nodes = (
        int(environment[name])
        for name in ("SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_NODES")
    )
    found = {
        "RANK": environment["SLURM_PROCID"],
        "WORLD_SIZE": str(tasks),
        "MASTER_ADDR": find_address(environment["SLURM_STEP_NODELIST"]),
        "MASTER_PORT": environment.get("MASTER_PORT") or str(choose_port(environment)),
    }
    if tasks == nodes:
        return found
    if ngpu > 1 and tasks != nodes * ngpu:
        raise ValueError(
            f"--ngpu is {ngpu}, but srun has started {tasks} tasks on {nodes} nodes; "
            f"start one task on each node, or {ngpu} (--ntasks-per-node)"
        )
    return {**found, "LOCAL_RANK": environment["SLURM_LOCALID"]}


def choose_port(environment: Mapping[str, str]) -> int:
    """Return the port of a job, which all its nodes compute alike."""
    step = int(environment.get("SLURM_STEP_ID", 0)) % 1000
    return FIRST_PORT + (int(environment["SLURM_JOB_ID"]) * 7 + step) % NUM_PORTS


def find_address(nodes: str) -> str:
    """Return the address of the first node of a list such as n[1-4,7].

    Raises:
        ValueError: Slurm does not know the nodes.
    """
    name = _ask("show", "hostnames", nodes).split("\n")[0].strip()
    if not name:
        raise ValueError(
            f"SLURM_STEP_NODELIST is '{nodes}', which scontrol cannot read"
        )
    for word in _ask("show", "node", name).split():
        if word.startswith("NodeAddr="):
            return word.partition("=")[2]
    try:
        return socket.gethostbyname(name)
    except OSError:
        raise ValueError(
            f"{name}: the first node of the job has no address; set MASTER_ADDR"
        ) from None


def _ask(*words: str) -> str:
    try:
        done = subprocess.run(
            ["scontrol", *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""
