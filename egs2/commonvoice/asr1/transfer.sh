#!/usr/bin/env bash
# Train a recognizer of one language of Common Voice without its transcripts, with the
# labelled speech of another language.
#   ./transfer.sh --source ar --target ur --text /path/to/urdu_sentences.txt
# Options of run.sh and asr.sh, such as --pretrain_init, go to both languages.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"

source="ar"        # code of the labelled language in Common Voice
target=ur          # language without transcripts; its speech is the clips of other.tsv
text=""            # file of its sentences; empty: the sentences of its validated clips
same_sentences=false # true: the text may contain the sentences of the speech
min_sentences=1000 # lowest number of sentences without --text
hours=""           # hours of training speech of the source; empty: all
seed=0             # random seed that selects these hours
target_config=../../../conf/train_ctc.yaml # YAML of the target's models
inference_config=conf/decode_target.yaml   # YAML of decode-asr for the target's test set
pseudo_config=""   # YAML of pseudo.sh and changes of its options, such as
                   # "conf/pseudo.yaml rounds=2"; empty: chosen by --same_sentences
local_data_opts="" # options of `hamzaban prepare-corpus commonvoice`, for both
rest=()            # options of run.sh
help_message="\
Usage: ./transfer.sh --source LANG --target LANG [--NAME VALUE ...]

Options of run.sh and asr.sh, such as --pretrain_init, go to both languages.

Options and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"
[[ " ${rest[*]} " != *" --help "* ]] || exit 0
[[ $# -eq 0 ]] || die "'$1' is not an option; see --help"
[[ ${source} != "${target}" ]] || die "--source and --target are both ${source}"
[[ -z ${text} || -f ${text} ]] || die "--text ${text}: no such file"
[[ ${min_sentences} =~ ^[0-9]+$ ]] ||
    die "--min_sentences is '${min_sentences}', expected a number"
if [[ -z ${pseudo_config} ]]; then
    pseudo_config=conf/pseudo.yaml
    [[ ${same_sentences} == false ]] || pseudo_config=conf/pseudo_same_sentences.yaml
fi
apart=false # of its checked clips' sentences, those that other.tsv does not have
[[ -n ${text} || ${same_sentences} == true ]] || apart=true

./run.sh --lang "${target}" --unlabelled_set "unlabelled_${target}" \
    --local_data_opts "--unlabelled true --apart ${apart} ${local_data_opts}" \
    "${rest[@]}" --stop_stage audio
if [[ -z ${text} ]]; then
    text=data/sentences_${target}
    chosen=data/train_${target}/text
    [[ ${apart} == false ]] || chosen=data/apart_${target}
    cut -d ' ' -f 1 "${chosen}" | join - "data/train_${target}/text" |
        cut -d ' ' -f 2- | sort -u > "${text}.tmp"
    count=$(wc -l < "${text}.tmp")
    log "${text}: ${count} sentences of ${chosen}"
    [[ ${apart} == false || ${count} -ge ${min_sentences} ]] || die \
        "${chosen}: ${count} sentences found, expected ${min_sentences} (--min_sentences);" \
        "the others occur in other.tsv: give more sentences with --text FILE, or let the" \
        "language model see the sentences of the speech with --same_sentences true"
    cmp -s "${text}.tmp" "${text}" || mv "${text}.tmp" "${text}"
fi
part=${source}${hours:+_${hours}h_seed${seed}} # as run.sh names it
./run.sh --lang "${source}" --hours "${hours}" --seed "${seed}" \
    --local_data_opts "${local_data_opts}" --token_type char --stop_stage pseudo "${rest[@]}" \
    --pseudo_config "${pseudo_config} target=${target} text=${text} \
        asr_config=${target_config} inference_config=${inference_config} \
        pseudo_exp=exp/${part}_${target}"
