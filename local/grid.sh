#!/usr/bin/env bash
# A grid of experiments: all its cells, then their tables. Run from the recipe's folder.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"

help_message="\
Usage: ./${0##*/} --grid_config YAML [option...]

  --grid_config YAML    axes, what is prepared, the command of a cell
  --only AXIS=NAME,...  these values of an axis; may be repeated
  --set NAME=VALUE      a variable of the YAML; may be repeated
  --exp_dir DIR         holds the cells and the tables (default: exp/grid)
  --max_jobs N          at most so many cells at once (default: as the machine carries)
  --ngpu N              GPUs of each cell (default: 1); 0: the CPU
  --nj N                processes and CPU threads of each cell (default: 4)
  --backend NAME        where cells run, see hamzaban run-jobs --help (default: local)
  --backend_conf K=V    a setting of the back end; may be repeated
  --stage summary       only the tables, of the cells as they are

A cell is a run of asr.sh. What is done and unchanged is not run again; a cell that failed
is shown as failed and tried again."

exp_dir=exp/grid
ngpu=1
nj=4
config=""
stage=run
grid_opts=() # of both verbs
run_opts=()  # of run-grid
while (($# > 0)); do
    name=${1//-/_}
    case ${name/#__/--} in
        -h | --help)
            printf '%s\n\n' "${help_message}"
            exec ./asr.sh --help
            ;;
        --grid_config) config=${2-} ;;
        --exp_dir) exp_dir=${2-} ;;
        --ngpu) ngpu=${2-} ;;
        --nj) nj=${2-} ;;
        --stage) stage=${2-} ;;
        --only | --set) grid_opts+=("$1" "${2-}") ;;
        --max_jobs | --backend | --backend_conf) run_opts+=("${name/#__/--}" "${2-}") ;;
        *) die "option $1 is unknown; see --help" ;;
    esac
    [[ -n ${2-} ]] || die "option $1 has no value; see --help"
    shift 2
done
[[ -f ${config} ]] || die "--grid_config '${config}': no such file; see --help"
[[ ${stage} == run || ${stage} == summary ]] || die "--stage is '${stage}', expected run or summary"
command -v hamzaban > /dev/null || die "no hamzaban on PATH; run 'make env' in ${MAIN_ROOT}"
grid_opts+=(--config "${config}" --exp_dir "${exp_dir}" --set "ngpu=${ngpu}" --set "nj=${nj}")
[[ ${ngpu} -gt 0 ]] || run_opts+=(--num_threads "${nj}")

status=0
if [[ ${stage} == run ]]; then
    hamzaban run-grid --ngpu "${ngpu}" "${grid_opts[@]}" "${run_opts[@]}" || status=$?
    [[ ${status} -eq 0 || ${status} -eq 3 ]] || exit "${status}" # 3: not all are done
fi
hamzaban summarise-grid "${grid_opts[@]}"
exit "${status}"
