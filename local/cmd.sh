#!/usr/bin/env bash
# Where the commands of the drivers run; see docs/cluster.md. Sourced by the drivers. A
# recipe's own cmd.sh overrides the values. It may also set cuda_cmd and decode_cmd, which
# run training and decoding, to another launcher than `hamzaban run-jobs`.

# shellcheck disable=SC2034  # read by the drivers
cmd_backend=local # local: this machine; slurm: a cluster, as conf/slurm.yaml says
