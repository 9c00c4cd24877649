#!/usr/bin/env bash
# Run the stages of a recipe, from a corpus to scores. Call it in the recipe's folder.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=local/stages.sh
. "${MAIN_ROOT}/local/stages.sh"
SECONDS=0

# Control.
stage=1                       # first stage, number or name
stop_stage=12                 # last stage, number or name
skip_stages=""                # stages to skip, by number or name
ngpu=auto                     # GPUs for training and decoding; auto: all of the machine,
                              # 0: the CPU
nj=4                          # parallel processes; threads when training on the CPU
dumpdir=dump                  # folder for the 16 kHz audio
expdir=exp                    # folder for models, decodings and scores
# Data.
lang=noinfo                   # language code; selects the text rules, appears in names
cleaner=auto                  # text rules for train_set and valid_set: none, or
                              # hamzaban/<lang>/<profile>; auto: .../train if --lang is given
marks=drop                    # of sounds in text, such as [laughter]: drop, keep, refuse, text
train_set=""                  # data/<train_set> is made by local/data.sh (required)
valid_set=""                  # data/<valid_set>, on which the model is chosen (required)
test_sets=""                  # one or more sets; valid_set may be one of them (required)
unlabelled_set=""             # one or more sets without transcripts, for pretraining
local_data_opts=""            # options for local/data.sh
mine_config=""                # YAML of mine-audio, which finds speech in data/media.lst
speed_perturb_factors=""      # speeds of the training set, such as "0.9 1.0 1.1"
audio_config=""               # YAML of format-audio: limits of duration, noise, ...
# Tokens and language models.
token_type=bpe                # bpe or char
nbpe=512                      # size of the BPE vocabulary
bpemode=unigram               # unigram or bpe
lm_config=""                  # YAML of train-lm; empty: no language model
lm_text=""                    # files of sentences to add to the transcripts for the LM
lm=""                         # language model made elsewhere, ARPA (may be .gz) or KenLM's
                              # binary, in place of --lm_config
# Pretraining.
pretrain_config=""            # YAML of train-ssl; empty: no pretraining
pretrain_args=""              # options for train-ssl, such as "--max_epoch 2"
pretrain_init=""              # wav2vec 2.0 checkpoint to start from, here or on the hub; empty: random weights
# Training and decoding.
asr_config=""                 # YAML of train-asr (required); may inherit with `base: PATH`
asr_args=""                   # options for train-asr, such as "--max_epoch 2"
asr_tag=""                    # name of exp/asr_<tag>; empty: derived from the options
inference_config=""           # YAMLs of decode-asr; each has a folder of results
pseudo_config=""              # YAML of pseudo.sh, then changes to its options if any:
                              # "conf/pseudo.yaml rounds=1"
pseudo_args=""

stage_table="\
 1 data      corpus -> data/ by local/data.sh; validated; audited (conf/leaks.yaml)
 2 audio     data/ -> dump/raw/, 16 kHz mono, one file for each utterance
 3 mine      data/media.lst -> dump/unlabelled/, if --mine_config is given
 4 pretrain  dump/ -> exp/ssl_<tag>/wav2vec2.pt, if --pretrain_config is given
 5 tokens    dump/raw/<train_set>/text -> data/<lang>[_<part>]_token_list/
 6 lm        text -> exp/lm_<tag>/, n-grams, if --lm_config is given
 7 stats     dump/raw/, tokens -> exp/asr_stats_*/, lengths that batches need
 8 train     dump/raw/, tokens, stats, wav2vec2.pt -> exp/asr_<tag>/
 9 decode    exp/asr_<tag>/, dump/raw/<test_set> -> exp/asr_<tag>/<inference>/<test_set>/
10 score     decoded text, transcripts -> score_wer/, score_cer/, score_ter/, RESULTS.md
11 pseudo    exp/asr_<tag>/, speech, text -> exp/pseudo_<tag>/, if --pseudo_config is given
12 report    all results -> exp/report.html
13 pack      exp/asr_<tag>/ -> an archive and export_hf/; only with --stop_stage pack"
help_message="\
Usage: ./${_program##*/} [--NAME VALUE ...]

Stages, by number or name:
${stage_table}

Stage 1 refuses sentences or speakers that training shares with valid or test, unless
conf/leaks.yaml says why they may stay: allow_leaks: {exact: REASON, speakers: REASON}.
${common_help}

Options and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"

[[ $# -eq 0 ]] || die "'$1' is not an option; see --help"
declare -A skipped=() # number of a stage -> why
resolve_stages "${skip_stages}"
[[ -n ${mine_config} ]] || skipped[3]="no --mine_config is given"
[[ -n ${pretrain_config} ]] || skipped[4]="no --pretrain_config is given"
[[ -n ${lm_config}${lm} ]] || skipped[6]="no --lm_config or --lm is given"
[[ -n ${pseudo_config}${pseudo_args} ]] || skipped[11]="no --pseudo_config is given"
# shellcheck source=local/names.sh
. "${MAIN_ROOT}/local/names.sh"
resolve_processes
check_combination
# shellcheck source=local/lm.sh
. "${MAIN_ROOT}/local/lm.sh"
# shellcheck source=local/leaks.sh
. "${MAIN_ROOT}/local/leaks.sh"
# shellcheck source=local/decode.sh
. "${MAIN_ROOT}/local/decode.sh"
[[ -z ${mine_config} ]] || check_mining "${mine_config}" 4

if stage 1 data; then
    read -ra words <<< "${local_data_opts}"
    find_files db.sh conf/conditions.yaml "${words[@]}" # files among the options
    step data --in local "${found_files[@]}" --out "${labelled[@]}" "${unlabelled[@]}" -- \
        "${MAIN_ROOT}/local/make_data.sh" "${marks_opts[@]}" "${cleaner}" \
        "data/${train_set} data/${valid_set}" local/data.sh "${words[@]}"
    max_drop=0.05 # of stage 2, which drops recordings that cannot be used
    if [[ -n ${audio_config} ]]; then
        max_drop=$(hamzaban config get "${audio_config}" max_drop)
    fi
    step validate --in "${labelled[@]}" -- \
        hamzaban validate-data --nj "${nj}" --max_drop "${max_drop:-0.05}" "${labelled[@]}"
    if [[ -n ${unlabelled_set} ]]; then
        step validate --in "${unlabelled[@]}" -- \
            hamzaban validate-data --nj "${nj}" --max_drop "${max_drop:-0.05}" --no_text \
            "${unlabelled[@]}"
    fi
    if [[ ${cleaner} != none ]]; then
        step alphabet --in "data/${train_set}" "data/${valid_set}" -- \
            hamzaban audit-text "${cleaner_opts[@]}" "data/${train_set}" "data/${valid_set}"
    fi
    audit_leaks
fi

if stage 2 audio; then
    audio_opts=()
    audio_files=() # inputs of every set: the config and the lists that it names
    if [[ -n ${audio_config} ]]; then
        config=${dumpdir}/conf/$(stem "${audio_config}").yaml
        merge_config "${audio_config}" "${config}"
        audio_opts=(--config "${config}")
        read_lines audio_files hamzaban config get "${audio_config}" noise_list rir_list
        audio_files+=("${config}")
    fi
    format() { # from to option...
        divide audio "${dumpdir}/log/format_${2##*/}.JOB.log"
        step audio --in "$1" "${audio_files[@]}" --out "$2" -- \
            hamzaban format-audio --nj "${nj}" "${shard_opts[@]}" --fs 16000 \
            --is_validated true \
            "${audio_opts[@]}" "${@:3}" "$1" "$2"
    }
    format "data/${train_set}" "${train_dir}" \
        --speed_perturb_factors "${speed_perturb_factors}"
    format "data/${valid_set}" "${valid_dir}" --add_noise false
    for name in ${unlabelled_set}; do
        format "data/${name}" "${dumpdir}/raw/${name}" --add_noise false
    done
    for name in "${eval_sets[@]}"; do
        format "data/${name#org/}" "${dumpdir}/raw/${name}" --add_noise false \
            --min_duration_s 0 --max_duration_s inf --silence_db=-inf
    done
fi

if stage 3 mine; then # every time, since files in a folder of media may have changed
    config=${expdir}/conf/$(stem "${mine_config}").yaml
    merge_config "${mine_config}" "${config}"
    divide mine "${dumpdir}/log/mine.JOB.log"
    run hamzaban mine-audio --nj "${nj}" "${shard_opts[@]}" --config "${config}" \
        --media_list data/media.lst --output_dir "${dumpdir}/unlabelled"
fi

if stage 4 pretrain; then
    sources=("${train_dir}")
    suffix="" # names the sets that are joined to the training set
    for name in ${unlabelled_set}; do
        sources+=("${dumpdir}/raw/${name}")
        suffix+=_${name}
    done
    if [[ -n ${mine_config} ]]; then
        sources+=("${dumpdir}/unlabelled")
        suffix=${suffix:-_mined}
    fi
    pretrain_dir=${train_dir}${suffix}
    if [[ ${#sources[@]} -gt 1 ]]; then
        step combine --in "${sources[@]}" --out "${pretrain_dir}" -- \
            hamzaban combine-data --leave_out text "${pretrain_dir}" "${sources[@]}"
    fi
    pretrain "${pretrain_config}" "${expdir}/conf/ssl_${pretrain_tag}.yaml" \
        "${pretrain_init}" "${pretrain_dir}" "${valid_dir}" "${ssl_exp}" "${pretrain_words[@]}"
fi

if stage 5 tokens; then
    step tokens --in "${train_dir}/text" --out "${token_files[@]}" -- \
        hamzaban make-tokens --token_type "${token_type}" --nbpe "${nbpe}" \
        --bpemode "${bpemode}" --output_dir "${token_dir}" "${train_dir}/text"
fi

if stage 6 lm; then
    make_lm
fi

if stage 7 stats; then
    collect() { # part data-directory
        step stats --in "$2"/{text,utt2num_samples} "${token_files[@]}" \
            --out "${asr_stats}/$1"/{speech_shape,"text_shape.${token_type}"} -- \
            hamzaban collect-stats --data_dir "$2" "${token_opts[@]}" \
            --output_dir "${asr_stats}/$1"
    }
    collect train "${train_dir}"
    collect valid "${valid_dir}"
fi

if stage 8 train; then
    config=${expdir}/conf/asr_${asr_tag}.yaml
    merge_config "${asr_config}" "${config}"
    log "Training: ${asr_exp}/train.log"
    find_files "${train_dir}/utt2lang" "${valid_dir}/utt2lang" # a language selects its head
    step train --set_aside "${asr_exp}" --out "${asr_exp}"/{config.yaml,valid.wer.ave.pth} \
        --in "${config}" "${token_files[@]}" "${init_files[@]}" "${found_files[@]}" \
        {"${train_dir}","${valid_dir}"}/{wav.scp,text} \
        "${asr_stats}"/{train,valid}/{speech_shape,"text_shape.${token_type}"} -- \
        "${cuda_cmd[@]}" "${train_opts[@]}" --log "${asr_exp}/train.log" -- \
        hamzaban train-asr --config "${config}" --output_dir "${asr_exp}" \
        --ngpu "${ngpu}" --multiprocessing_distributed true --resume true \
        "${token_opts[@]}" "${init_opts[@]}" "${data_opts[@]}" "${asr_words[@]}"
fi

if stage 9 decode; then
    [[ -z ${lm_exp} ]] || make_valid_emissions
    for tag in "${decodings[@]}"; do
        prepare_decoding "${tag}"
        fit_confidence "${tag}"
        for name in "${eval_sets[@]}"; do
            decode_set "${tag}" "${name}"
        done
    done
fi

if stage 10 score; then
    kinds=(wer cer)
    score_opts=("${cleaner_opts[@]}" "${score_marks[@]}" --token_type "${token_type}")
    if [[ ${token_type} == bpe ]]; then
        kinds+=(ter)
        score_opts+=("${bpe_opts[@]}")
    fi
    results=()
    for name in "${eval_sets[@]}"; do
        ref=${dumpdir}/raw/${name}
        for tag in "${decodings[@]}"; do
            dir=${asr_exp}/${tag}/${name}
            find_files "${ref}/utt2lang" "${dir}/ctm"
            scores=()
            for kind in "${kinds[@]}"; do
                scores+=("${dir}/score_${kind}/result.txt")
            done
            step score --in "${ref}"/{text,utt2spk} "${found_files[@]}" "${dir}/text" \
                "${token_files[@]}" --out "${scores[@]}" -- \
                hamzaban score-text --ref "${ref}/text" --utt2spk "${ref}/utt2spk" \
                --hyp "${dir}/text" --output_dir "${dir}" "${score_opts[@]}"
            results+=("${scores[@]}")
        done
    done
    find_leaks
    step results --in "${results[@]}" "${leak_files[@]}" --out "${asr_exp}/RESULTS.md" -- \
        hamzaban show-results "${asr_exp}" --output "${asr_exp}/RESULTS.md" "${leak_opts[@]}"
    list_experiments
    step results --in "${results[@]}" "${leak_files[@]}" --out "${expdir}/RESULTS.md" -- \
        hamzaban show-results "${experiments[@]}" --output "${expdir}/RESULTS.md" \
        --report "${expdir}/report.html" "${leak_opts[@]}"
    [[ ${dry_run} == true ]] || cat "${asr_exp}/RESULTS.md"
fi

if stage 11 pseudo; then # if an option is given twice, the later value counts
    "${MAIN_ROOT}/local/pseudo.sh" --dry_run "${dry_run}" --source_exp "${asr_exp}" \
        --nj "${nj}" --ngpu "${ngpu}" --pseudo_exp "${pseudo_exp}" \
        --token_type "${token_type}" "${cleaner_opts[@]}" "${pseudo_words[@]}"
fi

if stage 12 report; then
    list_experiments
    others=()
    for dir in "${experiments[@]}"; do
        [[ ${dir} == "${asr_exp}" ]] || others+=("${dir}")
    done
    rounds=()
    [[ ! -f ${pseudo_exp}/status.json ]] || rounds=(--pseudo_exp "${pseudo_exp}")
    find_files \
        {"${expdir}"/pseudo_*,"${pseudo_exp}"}/{rounds.tsv,status.json,hours.tsv,RESULTS.md}
    round_files=("${found_files[@]}")
    find_leaks
    step report --in "${results[@]}" "${asr_exp}/train.log" "${round_files[@]}" \
        "${leak_files[@]}" \
        --out "${expdir}"/report.{html,png} --may_make "${expdir}/report_files" -- \
        hamzaban make-report "${asr_exp}" "${others[@]}" --nj "${nj}" "${rounds[@]}" \
        --raw_dir "${dumpdir}/raw" "${leak_opts[@]}" --output "${expdir}/report.html"
fi

if stage 13 pack; then
    pack_archive
    export_model
fi
log "Finished after ${SECONDS} s"
