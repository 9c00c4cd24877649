#!/usr/bin/env bash
# The stages of a recipe, from a corpus to scores. Run from the recipe's folder.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=egs2/TEMPLATE/asr1/cmd.sh
. ./cmd.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=local/stages.sh
. "${MAIN_ROOT}/local/stages.sh"
SECONDS=0

# Control.
stage=1                       # first stage, number or name
stop_stage=13                 # last stage, number or name
skip_stages=""                # stages between to leave out, numbers or names
skip_packing=true             # leave out stage 13
ngpu=1                        # GPUs for training and decoding; 0: the CPU
nj=4                          # processes at once; threads when training on the CPU
dumpdir=dump                  # folder for audio as the model hears it
expdir=exp                    # folder for what is trained, decoded and scored
# Data.
lang=noinfo                   # language, a part of names
train_set=""                  # data/<train_set> is made by local/data.sh; needed
valid_set=""                  # likewise; needed
test_sets=""                  # likewise, one or more, may name valid_set; needed
unlabelled_set=""             # likewise, speech without transcripts, for pretraining
local_data_opts=""            # options for local/data.sh
speed_perturb_factors=""      # of the training set, such as "0.9 1.0 1.1"
min_duration_s=0.1            # shorter utterances are dropped, but for test_sets
max_duration_s=32             # longer utterances are dropped, but for test_sets
max_drop=0.05                 # dropping more than this share of a set is an error
# Tokens.
token_type=bpe                # bpe or char
nbpe=512                      # size of the bpe vocabulary
bpemode=unigram               # unigram or bpe
# Pretraining.
pretrain_config=""            # YAML; empty: no pretraining
pretrain_args=""              # options for train-ssl, such as "--max_epoch 2"
pretrain_init=""              # wav2vec 2.0 checkpoint to begin with; empty: random
pretrain_tag=""               # name of exp/ssl_<tag>; empty: made of the options
# Training and decoding.
asr_config=""                 # YAML; may lie on another, `base: PATH`; needed
asr_args=""                   # options for train-asr, such as "--max_epoch 2"
asr_tag=""                    # name of exp/asr_<tag>; empty: made of the options
inference_config=""           # YAML; gives its name to the folder of results
inference_asr_model=valid.wer.ave.pth  # file in exp/asr_<tag>

stage_table="\
 1 data      corpus -> data/ by the recipe's local/data.sh, then validated
 2 audio     data/ -> dump/raw/, 16 kHz mono, one file an utterance
 4 pretrain  dump/raw/ -> exp/ssl_<tag>/wav2vec2.pt, if --pretrain_config is given
 5 tokens    dump/raw/<train_set>/text -> data/<lang>_token_list/
 7 stats     dump/raw/, tokens -> exp/asr_stats_*/, lengths for batches
 8 train     dump/raw/, tokens, stats, wav2vec2.pt -> exp/asr_<tag>/
 9 decode    exp/asr_<tag>/, dump/raw/<test_set> -> exp/asr_<tag>/<inference>/<test_set>/
10 score     decoded and true text -> score_wer/, score_cer/, score_ter/, RESULTS.md
13 pack      exp/asr_<tag>/ -> a model archive, unless --skip_packing is true"
reserved_stages="\
 3 mine
 6 lm
11 pseudo
12 report"
help_message="\
Usage: ./${0##*/} --train_set NAME --valid_set NAME --test_sets NAMES --asr_config YAML

Stages, by number or name (3, 6, 11 and 12 are kept for later):
${stage_table}

A step whose outputs are there, inputs and options unchanged, is not run again.

Options and their defaults:
$(sed -En '/^# Control/,/^stage_table/s/^([a-z][a-z_]*)=(.*# .*)$/  --\1 \2/p' "${BASH_SOURCE[0]}")"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"

# Checks.
[[ $# -eq 0 ]] || die "'$1' is no option; see --help"
declare -A skipped=() # number of a stage -> why; read by stages.sh
resolve_stages "${skip_stages}"
[[ -n ${pretrain_config} ]] || skipped[4]="no --pretrain_config is given"
! "${skip_packing}" || skipped[13]="--skip_packing is true"
for name in train_set valid_set test_sets asr_config; do
    [[ -n ${!name} ]] || die "--${name} is needed; see --help"
done
[[ ${token_type} == bpe || ${token_type} == char ]] ||
    die "--token_type is '${token_type}', expected bpe or char"
[[ ${train_set} != "${valid_set}" ]] || die "train_set and valid_set are both ${train_set}"
[[ " ${test_sets} " != *" ${train_set} "* ]] || die "train_set ${train_set} is in test_sets"
for name in asr_config inference_config pretrain_config pretrain_init; do
    [[ -z ${!name} || -f ${!name} ]] || die "--${name} ${!name}: no such file"
done
command -v hamzaban > /dev/null || die "no hamzaban on PATH; run 'make env' in ${MAIN_ROOT}"

# Names.
lang_=""
[[ ${lang} == noinfo ]] || lang_="${lang}_"
sp=""
[[ -z ${speed_perturb_factors} ]] || sp=_sp
tokens=${token_type}
[[ ${token_type} == char ]] || tokens+=${nbpe}
init="" # where the weights come from; a file wav2vec2.pt is called by its folder
if [[ -n ${pretrain_init} ]]; then
    init="_init_$(stem "${pretrain_init}")"
    [[ ${init} != _init_wav2vec2 ]] || init="_init_$(stem "$(dirname "${pretrain_init}")")"
fi
ssl_checkpoint=${pretrain_init}
if [[ -n ${pretrain_config} ]]; then
    [[ -n ${pretrain_tag} ]] || pretrain_tag="$(stem "${pretrain_config}")_raw_${lang_%_}$(
        plain_args "${pretrain_args}")${sp}${init}"
    ssl_exp=${expdir}/ssl_${pretrain_tag}
    ssl_checkpoint=${ssl_exp}/wav2vec2.pt
    init=_ssl_${pretrain_tag}
fi
[[ -n ${asr_tag} ]] || asr_tag="$(stem "${asr_config}")_raw_${lang_}${tokens}$(
    plain_args "${asr_args}")${sp}${init}"
asr_exp=${expdir}/asr_${asr_tag}
asr_stats=${expdir}/asr_stats_raw_${lang_}${tokens}${sp}
token_dir=data/${lang_}token_list/${token_type}
[[ ${token_type} == char ]] || token_dir+=_${bpemode}${nbpe}
inference_tag=inference
[[ -z ${inference_config} ]] || inference_tag=$(stem "${inference_config}")
[[ ${inference_asr_model} == valid.wer.ave.pth ]] ||
    inference_tag+=_asr_model_${inference_asr_model%.pth}
train_dir=${dumpdir}/raw/${train_set}${sp}
valid_dir=${dumpdir}/raw/${valid_set}
eval_sets=() # of dump/raw; all of the valid set, nothing dropped, is org/<valid_set>
for name in ${test_sets}; do
    [[ ${name} != "${valid_set}" ]] || name=org/${valid_set}
    eval_sets+=("${name}")
done
token_opts=(--token_type "${token_type}" --token_list "${token_dir}/tokens.txt")
token_files=("${token_dir}/tokens.txt")
if [[ ${token_type} == bpe ]]; then
    token_opts+=(--bpemodel "${token_dir}/bpe.model")
    token_files+=("${token_dir}/bpe.model")
fi
init_opts=()
[[ -z ${ssl_checkpoint} ]] || init_opts=(--ssl_checkpoint "${ssl_checkpoint}")
read -ra asr_words <<< "${asr_args}"
read -ra pretrain_words <<< "${pretrain_args}"
train_opts=(--ngpu "${ngpu}")
[[ ${ngpu} -gt 0 ]] || train_opts+=(--num_threads "${nj}")

if stage 1 data; then
    read -ra words <<< "${local_data_opts}"
    labelled=("data/${train_set}" "data/${valid_set}")
    for name in "${eval_sets[@]}"; do
        [[ ${name} == org/* ]] || labelled+=("data/${name}")
    done
    unlabelled=(${unlabelled_set:+"data/${unlabelled_set}"})
    step data --in local --out "${labelled[@]}" "${unlabelled[@]}" -- \
        local/data.sh "${words[@]}"
    step validate --in "${labelled[@]}" -- \
        hamzaban validate-data --nj "${nj}" "${labelled[@]}"
    [[ -z ${unlabelled_set} ]] || step validate --in "${unlabelled[@]}" -- \
        hamzaban validate-data --nj "${nj}" --no_text "${unlabelled[@]}"
fi

if stage 2 audio; then
    format() { # from to option...
        step audio --in "$1" --out "$2" -- hamzaban format-audio --nj "${nj}" \
            --fs 16000 --max_drop "${max_drop}" "${@:3}" "$1" "$2"
    }
    limits=(--min_duration_s "${min_duration_s}" --max_duration_s "${max_duration_s}")
    format "data/${train_set}" "${train_dir}" "${limits[@]}" \
        --speed_perturb_factors "${speed_perturb_factors}"
    format "data/${valid_set}" "${valid_dir}" "${limits[@]}"
    for name in ${unlabelled_set}; do
        format "data/${name}" "${dumpdir}/raw/${name}" "${limits[@]}"
    done
    for name in "${eval_sets[@]}"; do
        format "data/${name#org/}" "${dumpdir}/raw/${name}" \
            --min_duration_s 0 --max_duration_s inf --silence_db=-inf
    done
fi

if stage 4 pretrain; then
    pretrain_dir=${train_dir}
    if [[ -n ${unlabelled_set} ]]; then
        pretrain_dir=${train_dir}_${unlabelled_set}
        step combine --in "${train_dir}" "${dumpdir}/raw/${unlabelled_set}" \
            --out "${pretrain_dir}" -- hamzaban combine-data --leave_out text \
            "${pretrain_dir}" "${train_dir}" "${dumpdir}/raw/${unlabelled_set}"
    fi
    config=${expdir}/conf/ssl_${pretrain_tag}.yaml
    hamzaban merge-config "${pretrain_config}" "${config}"
    log "Pretraining: ${ssl_exp}/train.log"
    step pretrain --set_aside "${ssl_exp}" --out "${ssl_checkpoint}" \
        --in "${config}" ${pretrain_init:+"${pretrain_init}"} \
        {"${pretrain_dir}","${valid_dir}"}/{wav.scp,utt2num_samples} -- \
        "${cuda_cmd[@]}" "${train_opts[@]}" --log "${ssl_exp}/train.log" -- \
        hamzaban train-ssl --config "${config}" --output_dir "${ssl_exp}" \
        --ngpu "${ngpu}" --multiprocessing_distributed true --resume true \
        ${pretrain_init:+--init_checkpoint "${pretrain_init}"} \
        --train_data_path_and_name_and_type "${pretrain_dir}/wav.scp,speech,sound" \
        --valid_data_path_and_name_and_type "${valid_dir}/wav.scp,speech,sound" \
        --train_shape_file "${pretrain_dir}/utt2num_samples" \
        --valid_shape_file "${valid_dir}/utt2num_samples" "${pretrain_words[@]}"
fi

if stage 5 tokens; then
    step tokens --in "${train_dir}/text" --out "${token_files[@]}" -- \
        hamzaban make-tokens --token_type "${token_type}" --nbpe "${nbpe}" \
        --bpemode "${bpemode}" --output_dir "${token_dir}" "${train_dir}/text"
fi

if stage 7 stats; then
    for name in train valid; do
        dir=${name}_dir
        step stats --in "${!dir}"/{text,utt2num_samples} "${token_files[@]}" \
            --out "${asr_stats}/${name}"/{speech_shape,"text_shape.${token_type}"} -- \
            hamzaban collect-stats --data_dir "${!dir}" "${token_opts[@]}" \
            --max_drop "${max_drop}" --output_dir "${asr_stats}/${name}"
    done
fi

if stage 8 train; then
    config=${expdir}/conf/asr_${asr_tag}.yaml
    hamzaban merge-config "${asr_config}" "${config}"
    log "Training: ${asr_exp}/train.log"
    data_opts=()
    for name in train valid; do
        dir=${name}_dir
        data_opts+=(
            "--${name}_data_path_and_name_and_type" "${!dir}/wav.scp,speech,sound"
            "--${name}_data_path_and_name_and_type" "${!dir}/text,text,text"
            "--${name}_shape_file" "${asr_stats}/${name}/speech_shape"
            "--${name}_shape_file" "${asr_stats}/${name}/text_shape.${token_type}")
    done
    step train --set_aside "${asr_exp}" --out "${asr_exp}"/{config.yaml,valid.wer.ave.pth} \
        --in "${config}" "${token_files[@]}" ${ssl_checkpoint:+"${ssl_checkpoint}"} \
        {"${train_dir}","${valid_dir}"}/{wav.scp,text} \
        "${asr_stats}"/{train,valid}/{speech_shape,"text_shape.${token_type}"} -- \
        "${cuda_cmd[@]}" "${train_opts[@]}" --log "${asr_exp}/train.log" -- \
        hamzaban train-asr --config "${config}" --output_dir "${asr_exp}" \
        --ngpu "${ngpu}" --multiprocessing_distributed true --resume true \
        "${token_opts[@]}" "${init_opts[@]}" "${data_opts[@]}" "${asr_words[@]}"
fi

if stage 9 decode; then
    config_opts=()
    [[ -z ${inference_config} ]] || config_opts=(--inference_config "${inference_config}")
    for name in "${eval_sets[@]}"; do
        dir=${asr_exp}/${inference_tag}/${name}
        step decode --out "${dir}"/{text,token,token_int,score} \
            --in "${asr_exp}"/{config.yaml,"${inference_asr_model}"} \
            "${dumpdir}/raw/${name}/wav.scp" ${inference_config:+"${inference_config}"} -- \
            "${decode_cmd[@]}" --ngpu "$((ngpu > 0))" --log "${dir}/logdir/decode.log" -- \
            hamzaban decode-asr --asr_exp "${asr_exp}" --asr_model "${inference_asr_model}" \
            --data_dir "${dumpdir}/raw/${name}" --output_dir "${dir}" "${config_opts[@]}" \
            --nj "${nj}" --ngpu "$((ngpu > 0))"
    done
fi

if stage 10 score; then
    kinds=(wer cer)
    score_opts=(--token_type "${token_type}")
    if [[ ${token_type} == bpe ]]; then
        kinds+=(ter)
        score_opts+=(--bpemodel "${token_dir}/bpe.model")
    fi
    results=()
    for name in "${eval_sets[@]}"; do
        dir=${asr_exp}/${inference_tag}/${name}
        ref=${dumpdir}/raw/${name}
        scores=("${kinds[@]/#/${dir}/score_}")
        step score --in "${ref}"/{text,utt2spk} "${dir}/text" "${token_files[@]}" \
            --out "${scores[@]/%//result.txt}" -- \
            hamzaban score-text --ref "${ref}/text" --utt2spk "${ref}/utt2spk" \
            --hyp "${dir}/text" --output_dir "${dir}" "${score_opts[@]}"
        results+=("${scores[@]/%//result.txt}")
    done
    step results --in "${results[@]}" --out "${asr_exp}/RESULTS.md" -- \
        hamzaban show-results "${asr_exp}" --output "${asr_exp}/RESULTS.md"
    results=("${expdir}"/asr_*/RESULTS.md)
    step results --in "${results[@]}" --out "${expdir}/RESULTS.md" -- \
        hamzaban show-results "${results[@]%/RESULTS.md}" --output "${expdir}/RESULTS.md"
    cat "${asr_exp}/RESULTS.md"
fi

if stage 13 pack; then
    archive=${asr_exp}/${asr_exp##*/}_${inference_asr_model%.pth}.zip
    step pack --in "${asr_exp}"/{config.yaml,"${inference_asr_model}",RESULTS.md} \
        "${token_files[@]}" --out "${archive}" -- \
        hamzaban pack-model --asr_exp "${asr_exp}" --asr_model "${inference_asr_model}" \
        --outpath "${archive}"
fi
log "Finished after ${SECONDS} s"
