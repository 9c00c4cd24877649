#!/usr/bin/env bash
# Pseudo-labelling: a language without transcripts, from a model of another one. Run from
# a recipe's folder.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=local/stages.sh
. "${MAIN_ROOT}/local/stages.sh"

stage=1                       # first stage, number or name
stop_stage=3                  # last stage, number or name
skip_stages=""                # stages to skip, by number or name
source_exp=""                 # exp/asr_<tag> of the source language (required)
data_dir=""                   # dump/raw/<set>: audio of the target, not transcribed (required)
text=""                       # sentences of the target, a plain file, normalized (required)
lm_config=""                  # YAML of train-lm, for a language model of --text
lm_dir=""                     # language model of the target; required without --lm_config
asr_config=""                 # YAML of train-asr for the target's models (required)
pseudo_config=""              # YAML: search, filters, guard, and in `options` any of these
                              # options; also changes of these: "YAML rounds=1 seed=2";
                              # empty: conf/pseudo.yaml of the repository
pseudo_exp=""                 # folder of the rounds, such as exp/pseudo_<tag> (required)
# shellcheck disable=SC2034
target=""                     # a name that fills {target} in `options`; not used otherwise
rounds=3                      # trainings at most
start=source                  # weights to start from: source, or random
ssl_checkpoint=""             # wav2vec2.pt: with --start random, the pretrained encoder
token_type=char               # of the target models: char or bpe
nbpe=512                      # size of the bpe vocabulary
token_dir=""                  # token list of a source of the target's own language
labelled_dir=""               # transcribed audio of the target, added to each round's labels
labelled_valid_dir=""         # transcribed audio that chooses the models, in place of labels
continuous_config=""          # YAML based on conf/pseudo_continuous.yaml, for a last round
dropout_passes=0              # decodings with dropout on, for the filter of that name
asr_args=""                   # options for train-asr, such as "--max_epoch 2"
asr_model=valid.wer.ave.pth   # file of weights, in source_exp and in the rounds' models
ref=""                        # true text of some of data_dir; reported, never used
lang=""                       # language whose text rules scoring uses; empty: text as it is
test_dirs=""                  # dump/raw/<set> with text; each round is scored on them
inference_config=""           # YAMLs of decode-asr for these; each names a folder of results
ngpu=auto                     # GPUs for training and decoding; auto: all that are there,
                              # 0: the CPU
nj=4                          # processes at once; threads when training on the CPU

stage_table="\
 1 lm      text -> <pseudo_exp>/lm/, if --lm_config is given
 2 rounds  source model, audio, text -> round_<k>/, status.json, rounds.tsv
 3 score   round_<k>/, test_dirs -> RESULTS.md, error rates, if --test_dirs is given"
help_message="\
Usage: ${_program##*/} --pseudo_config YAML [--NAME VALUE ...]

Stages, by number or name:
${stage_table}

Round 0 labels data_dir with the source model; round k trains a model on what round k-1
kept and labels with it, until --rounds, or until a round's health is bad or not better.
With --continuous_config a last round continues from the best one and labels while it
trains. status.json says which round is best and why; rounds.tsv has all metrics. Rounds of
an earlier run beyond the last of this one are moved to <pseudo_exp>/set_aside/.

${common_help}

Options and their defaults:"
given=("$@")
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"
[[ $# -eq 0 ]] || die "'$1' is no option; see --help"
pseudo_words=()
if [[ -n ${pseudo_config} ]]; then # its options come first: those given here count more
    read_pseudo_config "${pseudo_config}"
    set -- "${pseudo_words[@]}" "${given[@]}"
    # shellcheck source=local/parse_options.sh
    . "${MAIN_ROOT}/local/parse_options.sh"
    pseudo_config=${pseudo_yaml}
fi
pseudo_config=${pseudo_config:-${MAIN_ROOT}/conf/pseudo.yaml}

for name in source_exp data_dir text asr_config pseudo_exp; do
    [[ -n ${!name} ]] || die "--${name} is needed; see --help"
done
[[ -n ${lm_dir}${lm_config} ]] || die "--lm_dir or --lm_config is needed; see --help"
[[ -z ${test_dirs} || -n ${inference_config} ]] ||
    die "--test_dirs needs --inference_config; see --help"
for name in ${inference_config} ${test_dirs}; do
    [[ -e ${name} || ${dry_run} == true ]] || die "${name}: no such file or folder"
done
for name in source_exp data_dir text lm_config lm_dir asr_config pseudo_config ref \
    ssl_checkpoint token_dir labelled_dir labelled_valid_dir continuous_config; do
    [[ -z ${!name} || -e ${!name} || ${dry_run} == true ]] ||
        die "--${name} ${!name}: no such file or folder"
done
[[ ${start} == source || ${start} == random ]] ||
    die "--start is '${start}', expected source or random"
[[ ${token_type} == bpe || ${token_type} == char ]] ||
    die "--token_type is '${token_type}', expected bpe or char"
for name in rounds dropout_passes; do
    [[ ${!name} =~ ^[0-9]+$ ]] || die "--${name} is '${!name}', expected a number"
done
declare -A skipped=() # number of a stage -> why
resolve_stages "${skip_stages}"
resolve_processes
[[ -n ${lm_config} ]] || skipped[1]="no --lm_config is given"
[[ -n ${test_dirs} ]] || skipped[3]="no --test_dirs is given"
[[ -z ${lm_config} ]] || lm_dir=${pseudo_exp}/lm

if stage 1 lm; then
    config=${pseudo_exp}/conf/lm.yaml
    merge_config "${lm_config}" "${config}"
    step lm --in "${config}" "${text}" --out "${lm_dir}/report.tsv" -- \
        hamzaban train-lm --config "${config}" --output_dir "${lm_dir}" --nj "${nj}" \
        --lm_text "${text}"
fi

if stage 2 rounds; then
    # shellcheck source=local/pseudo_train.sh
    . "${MAIN_ROOT}/local/pseudo_train.sh"
    # shellcheck source=local/pseudo_label.sh
    . "${MAIN_ROOT}/local/pseudo_label.sh"
    run_rounds
fi

if stage 3 score; then
    # shellcheck source=local/pseudo_score.sh
    . "${MAIN_ROOT}/local/pseudo_score.sh"
    score_rounds
fi
