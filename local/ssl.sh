#!/usr/bin/env bash
# Pretrain wav2vec 2.0 on a user's own media. Call it in the recipe's folder.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=local/stages.sh
. "${MAIN_ROOT}/local/stages.sh"
SECONDS=0

stage=1                       # first stage, number or name
stop_stage=6                  # last stage, number or name
skip_stages=""                # stages to skip, by number or name
ngpu=auto                     # GPUs for training; auto: all of the machine, 0: the CPU
nj=4                          # parallel processes; threads when training on the CPU
dumpdir=dump                  # folder for mined speech
expdir=exp                    # folder for models
mine_config=""                # YAML of mine-audio; empty: conf/mine.yaml of the repository
valid_hours=2                 # hours of whole recordings held out to monitor the loss
seed=0                        # random seed that selects these recordings
ssl_tag=""                    # name of exp/ssl_<tag> (required)
pretrain_config=""            # YAML of train-ssl (required)
pretrain_init=""              # checkpoint to continue: a Hugging Face directory, a
                              # fairseq .pt, a wav2vec2.pt or a name on the hub;
                              # empty: random weights
pretrain_args=""              # options for train-ssl, such as "--max_updates 100"

stage_table="\
 1 data      db.sh -> data/media.lst by local/data.sh
 2 mine      data/media.lst -> dump/unlabelled/, speech and the origin of each chunk
 3 split     dump/unlabelled/ -> dump/raw/{train,valid}_unlabelled/, by recording
 4 init      --pretrain_init -> exp/ssl_<tag>_init/wav2vec2.pt, checked
 5 pretrain  speech, init -> exp/ssl_<tag>/wav2vec2.pt
 6 export    exp/ssl_<tag>/wav2vec2.pt -> exp/ssl_<tag>/huggingface/"
help_message="\
Usage: ./${_program##*/} --ssl_tag NAME --pretrain_config YAML [--NAME VALUE ...]

Stages, by number or name:
${stage_table}

${common_help}

Options and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"

[[ $# -eq 0 ]] || die "'$1' is not an option; see --help"
for name in ssl_tag pretrain_config; do
    [[ -n ${!name} ]] || die "--${name} is needed; see --help"
done
mine_config=${mine_config:-${MAIN_ROOT}/conf/mine.yaml}
declare -A skipped=() # number of a stage -> why
resolve_stages "${skip_stages}"
[[ -n ${pretrain_init} ]] || skipped[4]="no --pretrain_init is given"
for name in mine_config pretrain_config; do
    [[ -e ${!name} ]] || die "--${name} ${!name}: no such file"
done
check_init() { # stage 4 needs it; called when the media are known, before they are mined
    [[ -z ${pretrain_init} || -e ${pretrain_init} || ${stop_stage} -lt 4 ]] ||
        is_on_hub "${pretrain_init}" ||
        die "--pretrain_init ${pretrain_init}: no such file or folder; name the checkpoint in db.sh"
}
[[ ${stage} -eq 1 && ${dry_run} == false ]] || check_init
check_mining "${mine_config}" 3
resolve_processes
train_dir=${dumpdir}/raw/train_unlabelled
valid_dir=${dumpdir}/raw/valid_unlabelled
ssl_exp=${expdir}/ssl_${ssl_tag}
init=""
[[ -z ${pretrain_init} ]] || init=${ssl_exp}_init/wav2vec2.pt
read -rd '' -a words <<< "${pretrain_args}" || true # it may span several lines

if stage 1 data; then
    run local/data.sh # every time, since files in a folder of media may have changed
    check_init
fi

if stage 2 mine; then
    merge_config "${mine_config}" "${expdir}/conf/mine.yaml"
    divide mine "${dumpdir}/log/mine.JOB.log"
    run hamzaban mine-audio --nj "${nj}" "${shard_opts[@]}" --config "${expdir}/conf/mine.yaml" \
        --media_list data/media.lst --output_dir "${dumpdir}/unlabelled"
fi

if stage 3 split; then
    [[ -f ${dumpdir}/unlabelled/utt2num_samples || ${dry_run} == true ]] ||
        die "${dumpdir}/unlabelled has no utt2num_samples; mine with output: flac"
    step split --in "${dumpdir}/unlabelled"/{wav.scp,utt2spk,utt2num_samples} \
        --out "${train_dir}" "${valid_dir}" -- \
        hamzaban hold-out-data --hours "${valid_hours}" --seed "${seed}" \
        "${dumpdir}/unlabelled" "${train_dir}" "${valid_dir}"
fi

if stage 4 init; then
    fetch_init 4 4
    step init --in "${pretrain_init}" --out "${init}" -- \
        hamzaban import-ssl "${pretrain_init}" --output "${init}"
fi

if stage 5 pretrain; then
    pretrain "${pretrain_config}" "${expdir}/conf/ssl_${ssl_tag}.yaml" "${init}" \
        "${train_dir}" "${valid_dir}" "${ssl_exp}" "${words[@]}"
fi

if stage 6 export; then
    step export --in "${ssl_exp}/wav2vec2.pt" --out "${ssl_exp}/huggingface" -- \
        hamzaban export-ssl "${ssl_exp}/wav2vec2.pt" \
        --output_dir "${ssl_exp}/huggingface"
fi
log "Finished after ${SECONDS} s"
