#!/usr/bin/env bash
# Rounds of pseudo-labelling: a language without transcripts, from a model of another one.
# Run from a recipe's folder.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=egs2/TEMPLATE/asr1/cmd.sh
. ./cmd.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=local/stages.sh
. "${MAIN_ROOT}/local/stages.sh"

source_exp=""                 # exp/asr_<tag> of the source language; needed
data_dir=""                   # dump/raw/<set>: audio of the target, not transcribed; needed
text=""                       # file of the target's sentences, plain, normalized; needed
lm_dir=""                     # of the target, made by train-lm from such text; needed
asr_config=""                 # YAML of the target models; needed
pseudo_config=${MAIN_ROOT}/conf/pseudo.yaml # YAML: search, filters, guard
pseudo_exp=""                 # folder of the rounds, such as exp/pseudo_<tag>; needed
rounds=3                      # trainings at most
start=source                  # weights at first: source, or random
ssl_checkpoint=""             # wav2vec2.pt: with --start random, the pretrained encoder
token_type=char               # of the target models: char or bpe
nbpe=512                      # size of the bpe vocabulary
token_dir=""                  # of a source of the target's own language: its tokens
labelled_dir=""               # transcribed audio of the target, joins each round's kept
labelled_valid_dir=""         # likewise; chooses the models, in place of kept labels
continuous_config=""          # conf/pseudo_continuous.yaml or based on it, for a last round
dropout_passes=0              # decodings with dropout on, for the filter of that name
asr_args=""                   # options for train-asr, such as "--max_epoch 2"
asr_model=valid.wer.ave.pth   # file of weights, in source_exp and in the rounds' models
ref=""                        # true text of some of data_dir; reported, never used
ngpu=1                        # GPUs for training and decoding; 0: the CPU
nj=4                          # processes at once; threads when training on the CPU

help_message="\
Usage: ./pseudo.sh --source_exp DIR --data_dir DIR --text FILE --lm_dir DIR
           --asr_config YAML --pseudo_exp DIR

Round 0 labels data_dir with the source model; round k trains a model on what round k-1
kept and labels with it, until --rounds, or until a round's health is bad or not better.
With --continuous_config one more goes on from the best, on labels it gives as it trains.
pseudo_exp/status.json says which round is best and why; rounds.tsv has all figures.
A step whose outputs are there, inputs and options unchanged, is not run again. Rounds of
an earlier run beyond the last of this one are moved to pseudo_exp/set_aside/.

Options and their defaults:
$(sed -En '/^source_exp/,/^help_message/s/^([a-z][a-z_]*)=(.*# .*)$/  --\1 \2/p' "${BASH_SOURCE[0]}")"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"

[[ $# -eq 0 ]] || die "'$1' is no option; see --help"
for name in source_exp data_dir text lm_dir asr_config pseudo_exp; do
    [[ -n ${!name} ]] || die "--${name} is needed; see --help"
done
for name in source_exp data_dir text lm_dir asr_config pseudo_config ssl_checkpoint ref \
    token_dir labelled_dir labelled_valid_dir continuous_config; do
    [[ -z ${!name} || -e ${!name} ]] || die "--${name} ${!name}: no such file or folder"
done
[[ ${start} == source || ${start} == random ]] || die "--start is '${start}', expected source or random"
[[ ${token_type} == bpe || ${token_type} == char ]] || die "--token_type is '${token_type}', expected bpe or char"
for name in rounds dropout_passes; do
    [[ ${!name} =~ ^[0-9]+$ ]] || die "--${name} is '${!name}', expected a number"
done
read -rd '' -a asr_words <<< "${asr_args}" || true # of several lines, too
labelled_text=${labelled_dir:-/dev/null}${labelled_dir:+/text}
init_opts=(${ssl_checkpoint:+--ssl_checkpoint "${ssl_checkpoint}"})
init_files=(${ssl_checkpoint:+"${ssl_checkpoint}"})
if [[ ${start} == source ]]; then
    init_files+=("${pseudo_exp}/source.pth") # its output layer turned to the target's tokens
    init_opts+=(--init_param "${init_files[-1]}")
fi
train_opts=(--ngpu "${ngpu}")
[[ ${ngpu} -gt 0 ]] || train_opts+=(--num_threads "${nj}")
tokens=${token_dir:-${pseudo_exp}/tokens}
token_opts=(--token_type "${token_type}" --token_list "${tokens}/tokens.txt")
token_files=("${tokens}/tokens.txt")
if [[ ${token_type} == bpe ]]; then
    token_opts+=(--bpemodel "${tokens}/bpe.model")
    token_files+=("${tokens}/bpe.model")
fi
# shellcheck source=local/pseudo_train.sh
. "${MAIN_ROOT}/local/pseudo_train.sh"
asr_conf=${pseudo_exp}/conf/asr.yaml
pseudo_conf=${pseudo_exp}/conf/pseudo.yaml
hamzaban fit-config --source_exp "${source_exp}" --start "${start}" "${asr_config}" "${asr_conf}"
hamzaban merge-config "${pseudo_config}" "${pseudo_conf}"
continuous_conf=${pseudo_exp}/conf/continuous.yaml
if [[ -n ${continuous_config} ]]; then
    hamzaban merge-config "${continuous_config}" "${continuous_conf}.difference"
    sed '1s/.*/base: asr.yaml/' "${continuous_conf}.difference" > "${continuous_conf}.layers"
fi

emit() { # round model name option...: emissions into round_<k>/<name>
    local dir=${pseudo_exp}/round_$1
    step emissions --in "$2"/{config.yaml,"${asr_model}"} "${data_dir}/wav.scp" \
        --out "${dir}/$3/meta.json" -- \
        "${decode_cmd[@]}" --ngpu "$((ngpu > 0))" --log "${dir}/$3.log" -- \
        hamzaban make-emissions --asr_exp "$2" --asr_model "${asr_model}" --nj "${nj}" \
        --ngpu "$((ngpu > 0))" --data_dir "${data_dir}" --output_dir "${dir}/$3" "${@:4}"
}

label() { # round model: labels, filters and judges
    local dir=${pseudo_exp}/round_$1 more=() pass
    [[ $1 -eq 0 ]] || more=("${pseudo_exp}/round_$(($1 - 1))/status.json")
    emit "$1" "$2" emissions
    for ((pass = 1; pass <= dropout_passes; pass++)); do
        emit "$1" "$2" "emissions_dropout_${pass}" --dropout 0.1 --dropout_seed "${pass}"
        more+=("${dir}/emissions_dropout_${pass}/meta.json")
    done
    find_inputs "${pseudo_conf}" "$1"
    step pseudo --in "${dir}/emissions/meta.json" "${pseudo_conf}" "${input_files[@]}" \
        "${text}" "${lm_dir}/word/lm.bin" "${more[@]}" ${ref:+"${ref}"} \
        --out "${dir}"/{weights.yaml,health.json,status.json} -- \
        hamzaban pseudo-label --pseudo_exp "${pseudo_exp}" --round "$1" --asr_exp "$2" \
        --data_dir "${data_dir}" --lm_dir "${lm_dir}" --text "${text}" \
        --config "${pseudo_conf}" --nj "${nj}" ${ref:+--ref "${ref}"}
    judged=$1
    status=${dir}/status.json
}

finish() { # last: what later rounds an earlier run made, and its summary, do not count
    local dir files=() number
    for dir in "${pseudo_exp}"/round_*; do
        [[ ! ${dir##*/} =~ ^round_[0-9]+$ || ${dir##*_} -le $1 ]] ||
            set_aside "${dir}" "the rounds end with round $1"
    done
    for ((number = 0; number <= judged; number++)); do
        files+=("${pseudo_exp}/round_${number}"/{health,status}.json)
    done
    step rounds --in "${files[@]}" --out "${pseudo_exp}"/{status.json,rounds.tsv} -- \
        hamzaban summarise-rounds --pseudo_exp "${pseudo_exp}" --last "${judged}"
}

model=${source_exp}
for ((round = 0; round <= rounds; round++)); do
    log "Round ${round}"
    if [[ ${round} -gt 0 ]]; then
        model=${pseudo_exp}/round_${round}/model
        [[ ${round} -gt 1 ]] || make_tokens
        train "${round}"
    fi
    label "${round}" "${model}"
    grep -q '"go_on": true' "${status}" || break
done
last=${judged}
if [[ -n ${continuous_config} ]]; then
    best=$(sed -n 's/^ *"best": *\([0-9]*\).*/\1/p' "${status}")
    [[ -n ${best} ]] || die "${status}: no round is well; nothing to begin with"
    last=$((judged + 1))
    log "Round ${last}, continuous, from round ${best}"
    train_continuously "${last}" "${best}"
    [[ -n ${reason} ]] || label "${last}" "${pseudo_exp}/round_${last}/model"
fi
finish "${last}"
grep -E '"(why|best_asr_exp)"' "${status}" >&2
cat "${pseudo_exp}/rounds.tsv"
