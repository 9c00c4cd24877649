#!/usr/bin/env bash
# Train a model of a language without transcripts by pseudo-labelling, starting from a
# model of another language. Call it in a recipe's folder.
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
data_dir=""                   # dump/raw/<set>: untranscribed audio of the target (required)
text=""                       # plain file of normalized sentences of the target (required)
lm_config=""                  # YAML of train-lm, for a language model of --text
lm_dir=""                     # language model of the target; required without --lm_config
asr_config=""                 # YAML of train-asr for the target's models (required)
pseudo_config=""              # YAML with search, filters, guard, and `options`: values of
                              # these options; changes may follow: "YAML rounds=1 nj=2";
                              # empty: conf/pseudo.yaml of the repository
pseudo_exp=""                 # folder of the rounds, such as exp/pseudo_<tag> (required)
# shellcheck disable=SC2034
target=""                     # replaces {target} in `options`; has no other use
rounds=3                      # highest number of rounds of training
start=source                  # weights to start from: source, or random
ssl_checkpoint=""             # pretrained wav2vec2.pt, the encoder with --start random
token_type=char               # of the target models: char or bpe
nbpe=512                      # size of the BPE vocabulary
token_dir=""                  # token list of a source model of the same language
labelled_dir=""               # transcribed audio of the target, to add to the labels
labelled_valid_dir=""         # transcribed audio to choose models on, instead of labels
continuous_config=""          # YAML based on conf/pseudo_continuous.yaml, for a final round
dropout_passes=0              # number of decodings with dropout, for the dropout filter
asr_args=""                   # options for train-asr, such as "--max_epoch 2"
asr_model=valid.wer.ave.pth   # name of the weights in source_exp and in each round
ref=""                        # transcripts of some of data_dir; only for the report
lang=""                       # language whose text rules scoring uses; empty: no rules
test_dirs=""                  # dump/raw/<set> with text, on which each round is scored
inference_config=""           # YAMLs of decode-asr for test_dirs; each has its own results
ngpu=auto                     # GPUs for training and decoding; auto: all of the machine,
                              # 0: the CPU
nj=4                          # parallel processes; threads when training on the CPU

stage_table="\
 1 lm      text -> <pseudo_exp>/lm/, if --lm_config is given
 2 rounds  source model, audio, text -> round_<k>/, status.json, rounds.tsv
 3 score   round_<k>/, test_dirs -> RESULTS.md, error rates, if --test_dirs is given"
help_message="\
Usage: ${_program##*/} --pseudo_config YAML [--NAME VALUE ...]

Stages, by number or name:
${stage_table}

Round 0 labels data_dir with the source model. Round k trains a model on the labels that
round k-1 kept, and labels data_dir with it. The rounds end after --rounds, or as soon as
a round is unhealthy or no better than the one before. With --continuous_config a final
round continues from the best one and labels while it trains. status.json names the best
round and the reason; rounds.tsv has all metrics. Later rounds of an earlier run are moved
to <pseudo_exp>/set_aside/.

${common_help}

Options and their defaults:"
given=("$@")
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"
[[ $# -eq 0 ]] || die "'$1' is not an option; see --help"
pseudo_words=()
if [[ -n ${pseudo_config} ]]; then # options of the command line override those of the YAML
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
    elsewhere lm "${lm_dir}/train.log"
    step lm --in "${config}" "${text}" --out "${lm_dir}/report.tsv" -- "${launch[@]}" \
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
