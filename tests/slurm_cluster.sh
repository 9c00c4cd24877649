#!/usr/bin/env bash
# Start a Slurm of three nodes on this machine for tests, on loopback, or stop it. Needs
# root, and slurm-wlm and munge of Debian. All its files lie in DIR.
# Usage: slurm_cluster.sh start DIR PORT   (four ports from PORT on must be free)
#        slurm_cluster.sh stop DIR         ends exactly the processes that start began
#        slurm_cluster.sh node DIR NAME    starts slurmd of one node again
# Then: export SLURM_CONF=DIR/slurm.conf
# Partitions: main (n1, n2), low (the same, preempted by main), short (at most one minute),
# and blind (n3, which does not see DIR/hidden).
set -euo pipefail

action=$1
dir=$(realpath -m "$2")
host=$(hostname -s)

write_conf() { # port
    cat > "${dir}/slurm.conf" << CONF
ClusterName=hamzaban
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=$1
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${dir}/munge/socket
CredType=cred/munge
StateSaveLocation=${dir}/state
SlurmdSpoolDir=${dir}/spool/%n
SlurmctldPidFile=${dir}/pids/slurmctld
SlurmdPidFile=${dir}/pids/slurmd.%n
SlurmctldLogFile=${dir}/log/slurmctld
SlurmdLogFile=${dir}/log/slurmd.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
SlurmdTimeout=20
SlurmdParameters=config_overrides
KillWait=3
MpiDefault=none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0
DefMemPerCPU=50
MaxArraySize=1001
NodeName=n[1-2] NodeHostname=${host} NodeAddr=127.0.0.1 Port=[$(($1 + 1))-$(($1 + 2))] CPUs=8 RealMemory=2000
NodeName=n3 NodeHostname=${host} NodeAddr=127.0.0.1 Port=$(($1 + 3)) CPUs=8 RealMemory=2000
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE PriorityTier=10
PartitionName=low Nodes=n[1-2] MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE
PartitionName=short Nodes=n[1-2] MaxTime=1 PriorityTier=10
PartitionName=blind Nodes=n3 MaxTime=INFINITE PriorityTier=10
CONF
}

start_node() { # name
    mkdir -p "${dir}/spool/$1"
    if [[ $1 == n3 ]]; then
        # shellcheck disable=SC2016 # expanded by the inner shell
        unshare --mount bash -c 'mount -t tmpfs none "$1" && exec slurmd -f "$2" -N n3' \
            _ "${dir}/hidden" "${dir}/slurm.conf"
    else
        slurmd -f "${dir}/slurm.conf" -N "$1"
    fi
}

start() { # port
    mkdir -p "${dir}"/{state,spool,log,munge,pids,hidden}
    chmod 755 "${dir}"
    chmod 711 "${dir}/munge"
    head -c 128 /dev/urandom > "${dir}/munge/key"
    chmod 600 "${dir}/munge/key"
    write_conf "$1"
    munged --force --key-file="${dir}/munge/key" --socket="${dir}/munge/socket" \
        --pid-file="${dir}/pids/munged" --log-file="${dir}/log/munged" \
        --seed-file="${dir}/munge/seed"
    export SLURM_CONF=${dir}/slurm.conf
    slurmctld -f "${SLURM_CONF}"
    for node in n1 n2 n3; do
        start_node "${node}"
    done
    for ((i = 0; i < 120; i++)); do
        states=$(sinfo -h -N -p main,blind -o %t 2> /dev/null | sort | uniq -c | xargs)
        [[ ${states} != "3 idle" ]] || return 0
        sleep 0.5
    done
    sinfo >&2
    return 1
}

stop() {
    local file pid
    export SLURM_CONF=${dir}/slurm.conf
    timeout 20 scancel --user root > /dev/null 2>&1 || true
    for ((i = 0; i < 40; i++)); do # until the jobs have ended
        [[ -n $(timeout 5 squeue -h 2> /dev/null) ]] || break
        sleep 0.5
    done
    for pid in $(pgrep -x slurmstepd); do # of a job that its slurmd had lost
        [[ $(readlink "/proc/${pid}/cwd") != "${dir}/log" ]] || kill -KILL "${pid}" || true
    done
    for file in "${dir}"/pids/{slurmd.*,slurmctld,munged}; do
        [[ -f ${file} ]] || continue
        pid=$(< "${file}")
        # The id may belong to another process by now; ours has the folder in its words.
        if tr '\0' ' ' 2> /dev/null < "/proc/${pid}/cmdline" | grep -qF -- "${dir}/"; then
            kill "${pid}" || true
        fi
    done
}

case ${action} in
    start) start "$3" ;;
    stop) stop ;;
    node) start_node "$3" ;;
    *) echo "slurm_cluster.sh: '${action}', expected start, stop or node" >&2 && exit 2 ;;
esac
