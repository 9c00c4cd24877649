#!/usr/bin/env bash
# Create egs2/<corpus>/asr1, a recipe for your own corpus, from egs2/TEMPLATE/asr1.

set -euo pipefail

root=$(realpath -- "$(dirname -- "${BASH_SOURCE[0]}")/..")

lang=noinfo # ISO 639 code of the language, such as sw
source=""   # a .csv, .tsv or .jsonl table, a folder or a Kaldi data directory, as for
            # hamzaban import-data; empty: write it into db.sh later

help_message="\
Usage: local/new_recipe.sh CORPUS [--lang CODE] [--source PATH]

Creates egs2/CORPUS/asr1. Next: cd egs2/CORPUS/asr1 && ./run.sh
If train shares speakers or sentences with valid or test, stage 1 stops; conf/leaks.yaml
of the new recipe is where you allow that, with a reason.

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
[[ -z ${source} ]] || printf -v quoted %q "$(realpath -- "${source}")"
grep -v "^CORPUS=" "${template}/db.sh" > "${made}/db.sh"
printf 'CORPUS=%s\n' "${quoted:-\"\"}" >> "${made}/db.sh"
mv -- "${made}" "${recipe}"
log "created egs2/${corpus}/asr1; next: cd egs2/${corpus}/asr1 && ./run.sh"
[[ -n ${source} ]] || log "first write the path of your data into its db.sh"
