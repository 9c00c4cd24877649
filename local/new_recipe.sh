#!/usr/bin/env bash
# Create egs2/<corpus>/asr1, a recipe for your own corpus, from egs2/TEMPLATE/asr1.

set -euo pipefail

root=$(realpath -- "$(dirname -- "${BASH_SOURCE[0]}")/..")

lang=noinfo # ISO 639 code of the language, such as sw
source=""   # a .csv, .tsv or .jsonl table, a folder or a Kaldi data directory, as for
            # hamzaban import-data; a recording, with --text and --align; empty: write it
            # into db.sh later
text=""     # what the recording --source says, a file as for hamzaban align
align=""    # model that finds the sentences of --text in it, as for hamzaban align
align_args="" # more options for hamzaban align, such as "--mapping roman"
# shellcheck disable=SC2034 # the loop below reads them
allow_speakers="" # reason why train may share speakers with valid or test
# shellcheck disable=SC2034
allow_exact=""    # reason why it may share sentences with them
# shellcheck disable=SC2034
allow_near=""     # reason why it may have nearly equal sentences

help_message="\
Usage: local/new_recipe.sh CORPUS [--lang CODE] [--source PATH] [--allow_speakers REASON]
       local/new_recipe.sh CORPUS --lang CODE --source MEDIA --text FILE --align MODEL

Creates egs2/CORPUS/asr1. Next: cd egs2/CORPUS/asr1 && ./run.sh
With --text and --align, the corpus is the sentences that hamzaban align finds in the
recording, in downloads/aligned.
If train shares speakers or sentences with valid or test, stage 1 stops. Allow it by
--allow_..., which writes your reason into conf/leaks.yaml of the new recipe, or later
there. If the split in --source shares speakers, this command says so.

Options and their defaults:"
corpus=${1-}
[[ $# -eq 0 || ${corpus} == -* ]] || shift
# shellcheck source=local/parse_options.sh
. "${root}/local/parse_options.sh"

[[ $# -eq 0 ]] || die "'$1' is not an option; see --help"
[[ ${corpus} =~ ^[A-Za-z0-9][A-Za-z0-9_-]*$ ]] ||
    die "corpus '${corpus}', expected a name of letters, digits, - and _; see --help"
[[ ${lang} =~ ^[A-Za-z]{2,}[A-Za-z0-9-]*$ ]] ||
    die "--lang is '${lang}', expected a code such as sw"
[[ -z ${source} || -e ${source} ]] || die "--source ${source}: no such file or folder"
if [[ -n ${text}${align}${align_args} ]]; then
    [[ -n ${text} && -n ${align} ]] || die "--text and --align go together; see --help"
    [[ -f ${source} ]] || die "--source '${source}', expected the recording of --text"
    [[ -f ${text} ]] || die "--text ${text}: no such file"
fi
recipe=${root}/egs2/${corpus}/asr1
[[ ! -e ${recipe} ]] || die "egs2/${corpus}/asr1 exists already; choose another name"

template=${root}/egs2/TEMPLATE/asr1
made=${recipe}.tmp.$$ # renamed when it is complete
trap 'rm -rf -- "${made}"' EXIT
mkdir -p "${made}/local"
ln -s ../../../local/asr.sh "${made}/asr.sh"
ln -s ../../TEMPLATE/asr1/path.sh "${made}/path.sh"
cp -r "${template}/conf" "${made}/conf"
for file in run.sh local/data.sh README.md; do
    sed -e "s/ LANG / ${lang} /" -e "s/^\(#* *\)CORPUS/\1${corpus}/" \
        "${template}/${file}" > "${made}/${file}"
done
chmod +x "${made}/run.sh" "${made}/local/data.sh"
quoted=""
if [[ -n ${align} ]]; then
    PATH=${root}/.venv/bin:${PATH}
    rules=()
    [[ ${lang} == noinfo ]] || rules=(--lang "${lang}")
    # shellcheck disable=SC2086  # words of align_args are options
    hamzaban align "${align}" "$(realpath -- "${source}")" "${text}" "${rules[@]}" \
        --output_dir "${made}/downloads/aligned" ${align_args}
    quoted=downloads/aligned
    allow_speakers=${allow_speakers:-one recording, one speaker}
fi
[[ -z ${source} || -n ${align} ]] || printf -v quoted %q "$(realpath -- "${source}")"
grep -v "^CORPUS=" "${template}/db.sh" > "${made}/db.sh"
printf 'CORPUS=%s\n' "${quoted:-\"\"}" >> "${made}/db.sh"
for kind in speakers exact near; do
    reason=allow_${kind}
    reason=${!reason//\'/\'\'} # as YAML quotes it
    while IFS= read -r line; do
        [[ -z ${reason} || ${line} != *"# ${kind}: "* ]] || line="    ${kind}: '${reason}'"
        printf '%s\n' "${line}"
    done < "${made}/conf/leaks.yaml" > "${made}/leaks"
    mv -- "${made}/leaks" "${made}/conf/leaks.yaml"
done
mv -- "${made}" "${recipe}"
next="cd egs2/${corpus}/asr1 && ./run.sh"
export PATH=${root}/.venv/bin:${PATH} PYTHONUTF8=1
if [[ -n ${source} && -z ${allow_speakers} ]] && command -v hamzaban > /dev/null; then
    if ! shared=$(hamzaban import-data "${source}" --lang "${lang}" --dry_run true); then
        log "${source} cannot be read as it is (see above); options of import-data can be \
given by ./run.sh --local_data_opts \"...\""
    elif [[ -n ${shared} ]]; then
        log "${source}: ${shared//$'\n'/; }; stage 1 would stop there. The command below \
leaves these speakers out of train. To keep them instead, write your reason into \
egs2/${corpus}/asr1/conf/leaks.yaml"
        next+=" --local_data_opts \"--keep_speakers false\""
    fi
fi
log "created egs2/${corpus}/asr1; next: ${next}"
[[ -n ${source} ]] || log "first write the path of your data into its db.sh"
