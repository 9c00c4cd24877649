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
stop_stage=12                 # last stage, number or name
skip_stages=""                # stages between to leave out, numbers or names
ngpu=1                        # GPUs for training and decoding; 0: the CPU
nj=4                          # processes at once; threads when training on the CPU
dumpdir=dump                  # folder for audio as the model hears it
expdir=exp                    # folder for what is trained, decoded and scored
# Data.
lang=noinfo                   # language: its text rules, and a part of names
cleaner=auto                  # hamzaban/<lang>/<profile> of train_set and valid_set,
                              # none, or auto: hamzaban/<lang>/train if --lang is given
train_set=""                  # data/<train_set> is made by local/data.sh; needed
valid_set=""                  # likewise; needed
test_sets=""                  # likewise, one or more, may name valid_set; needed
unlabelled_set=""             # likewise, one or more, without transcripts, for pretraining
local_data_opts=""            # options for local/data.sh
mine_config=""                # YAML; mines speech from the media of data/media.lst
speed_perturb_factors=""      # of the training set, such as "0.9 1.0 1.1"
audio_config=""               # YAML of format-audio: durations, share to drop, ...
# Tokens and language models.
token_type=bpe                # bpe or char
nbpe=512                      # size of the bpe vocabulary
bpemode=unigram               # unigram or bpe
lm_config=""                  # YAML; empty: no language model
lm_text=""                    # files of sentences, beside the transcripts
# Pretraining.
pretrain_config=""            # YAML; empty: no pretraining
pretrain_args=""              # options for train-ssl, such as "--max_epoch 2"
pretrain_init=""              # wav2vec 2.0 checkpoint to begin with; empty: random
# Training and decoding.
asr_config=""                 # YAML; may lie on another, `base: PATH`; needed
asr_args=""                   # options for train-asr, such as "--max_epoch 2"
asr_tag=""                    # name of exp/asr_<tag>; empty: made of the options
inference_config=""           # YAMLs; each gives its name to a folder of results
pseudo_args=""                # options for transfer.sh; empty: no pseudo-labels

stage_table="\
 1 data      corpus -> data/ by local/data.sh; normalized, validated, audited
 2 audio     data/ -> dump/raw/, 16 kHz mono, one file an utterance
 3 mine      data/media.lst -> dump/unlabelled/, if --mine_config is given
 4 pretrain  dump/ -> exp/ssl_<tag>/wav2vec2.pt, if --pretrain_config is given
 5 tokens    dump/raw/<train_set>/text -> data/<lang>[_<part>]_token_list/
 6 lm        text -> exp/lm_<tag>/, n-grams, if --lm_config is given
 7 stats     dump/raw/, tokens -> exp/asr_stats_*/, lengths for batches
 8 train     dump/raw/, tokens, stats, wav2vec2.pt -> exp/asr_<tag>/
 9 decode    exp/asr_<tag>/, dump/raw/<test_set> -> exp/asr_<tag>/<inference>/<test_set>/
10 score     decoded and true text -> score_wer/, score_cer/, score_ter/, RESULTS.md
11 pseudo    exp/asr_<tag>/, speech, sentences -> exp/pseudo_<tag>/, if --pseudo_args
12 report    all of it -> exp/report.html
13 pack      exp/asr_<tag>/ -> a model archive; only with --stop_stage pack"
help_message="\
Usage: ./${0##*/} --train_set NAME --valid_set NAME --test_sets NAMES --asr_config YAML

Stages, by number or name:
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
[[ -n ${mine_config} ]] || skipped[3]="no --mine_config is given"
[[ -n ${pretrain_config} ]] || skipped[4]="no --pretrain_config is given"
mine_merged=${mine_config:+"${expdir}/conf/$(stem "${mine_config}").yaml"}
merge_mining "${mine_config}" "${mine_merged}" 4
[[ -n ${lm_config} ]] || skipped[6]="no --lm_config is given"
[[ -n ${pseudo_args} ]] || skipped[11]="no --pseudo_args is given"
# shellcheck source=local/names.sh
. "${MAIN_ROOT}/local/names.sh"

if stage 1 data; then
    read -ra words <<< "${local_data_opts}"
    find_optional db.sh conf/conditions.yaml "${words[@]}" # files among the options
    step data --in local "${optional_files[@]}" --out "${labelled[@]}" "${unlabelled[@]}" -- \
        "${MAIN_ROOT}/local/make_data.sh" "${cleaner}" "${labelled[*]:0:2}" \
        local/data.sh "${words[@]}"
    step validate --in "${labelled[@]}" -- \
        hamzaban validate-data --nj "${nj}" "${labelled[@]}"
    [[ -z ${unlabelled_set} ]] || step validate --in "${unlabelled[@]}" -- \
        hamzaban validate-data --nj "${nj}" --no_text "${unlabelled[@]}"
    [[ ${cleaner} == none ]] || step alphabet --in "${labelled[@]:0:2}" -- \
        hamzaban audit-text "${cleaner_opts[@]}" "${labelled[@]:0:2}"
    read -ra words <<< "$([[ ! -f conf/leaks.yaml ]] || echo --config conf/leaks.yaml)"
    tests=("${labelled[@]:2}")
    step leaks --in "${labelled[@]}" "${words[@]:1}" -- \
        hamzaban audit-leaks "${cleaner_opts[@]}" "${words[@]}" --nj "${nj}" \
        --train_text "${labelled[0]}/text" --valid_text "${labelled[1]}/text" \
        ${tests:+--test_text "${tests[@]/%//text}"}
fi

if stage 2 audio; then
    config=${audio_config:+"${dumpdir}/conf/$(stem "${audio_config}").yaml"}
    [[ -z ${config} ]] || hamzaban merge-config "${audio_config}" "${config}"
    mapfile -t lists < <(sed -En 's/^(noise|rir)_list: *([^ #]+).*/\2/p' "${config:-/dev/null}")
    format() { # from to option...
        step audio --in "$1" ${config:+"${config}"} "${lists[@]}" --out "$2" -- \
            hamzaban format-audio --nj "${nj}" --fs 16000 \
            ${config:+--config "${config}"} "${@:3}" "$1" "$2"
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

if stage 3 mine; then # each time: what lies in a folder of media may have changed
    hamzaban mine-audio --nj "${nj}" --config "${mine_merged}" \
        --media_list data/media.lst --output_dir "${dumpdir}/unlabelled"
fi

if stage 4 pretrain; then
    pretrain_dir=${train_dir}
    read -ra words <<< "${unlabelled_set}"
    sources=("${train_dir}" "${words[@]/#/"${dumpdir}/raw/"}"
        ${mine_config:+"${dumpdir}/unlabelled"})
    if [[ ${#sources[@]} -gt 1 ]]; then
        pretrain_dir=${train_dir}$(printf '_%s' "${words[@]:-mined}")
        step combine --in "${sources[@]}" --out "${pretrain_dir}" -- \
            hamzaban combine-data --leave_out text "${pretrain_dir}" "${sources[@]}"
    fi
    config=${expdir}/conf/ssl_${pretrain_tag}.yaml
    hamzaban merge-config "${pretrain_config}" "${config}"
    pretrain "${config}" "${pretrain_init}" "${pretrain_dir}" "${valid_dir}" \
        "${ssl_exp}" "${pretrain_words[@]}"
fi

if stage 5 tokens; then
    step tokens --in "${train_dir}/text" --out "${token_files[@]}" -- \
        hamzaban make-tokens --token_type "${token_type}" --nbpe "${nbpe}" \
        --bpemode "${bpemode}" --output_dir "${token_dir}" "${train_dir}/text"
fi

if stage 6 lm; then
    texts=("${train_dir}/text" "${valid_dir}/text")
    test_texts=("${eval_sets[@]/#/${dumpdir}/raw/}")
    config=${expdir}/conf/$(stem "${lm_config}").yaml
    hamzaban merge-config "${lm_config}" "${config}"
    read -ra words <<< "${lm_text}"
    step lm --in "${config}" "${texts[@]}" "${test_texts[@]/%//text}" "${words[@]}" \
        "${token_files[@]}" --out "${lm_files[@]}" -- \
        hamzaban train-lm --config "${config}" --output_dir "${lm_exp}" --nj "${nj}" \
        "${cleaner_opts[@]}" "${bpe_opts[@]}" --train_text "${texts[0]}" \
        --valid_text "${texts[1]}" --test_text "${test_texts[@]/%//text}" \
        ${lm_text:+--lm_text "${words[@]}"}
fi

if stage 7 stats; then
    for name in train valid; do
        dir=${name}_dir
        step stats --in "${!dir}"/{text,utt2num_samples} "${token_files[@]}" \
            --out "${asr_stats}/${name}"/{speech_shape,"text_shape.${token_type}"} -- \
            hamzaban collect-stats --data_dir "${!dir}" "${token_opts[@]}" \
            --output_dir "${asr_stats}/${name}"
    done
fi

if stage 8 train; then
    config=${expdir}/conf/asr_${asr_tag}.yaml
    hamzaban merge-config "${asr_config}" "${config}"
    log "Training: ${asr_exp}/train.log"
    find_optional {"${train_dir}","${valid_dir}"}/utt2lang # languages choose heads
    step train --set_aside "${asr_exp}" --out "${asr_exp}"/{config.yaml,valid.wer.ave.pth} \
        --in "${config}" "${token_files[@]}" ${ssl_checkpoint:+"${ssl_checkpoint}"} \
        {"${train_dir}","${valid_dir}"}/{wav.scp,text} "${optional_files[@]}" \
        "${asr_stats}"/{train,valid}/{speech_shape,"text_shape.${token_type}"} -- \
        "${cuda_cmd[@]}" "${train_opts[@]}" --log "${asr_exp}/train.log" -- \
        hamzaban train-asr --config "${config}" --output_dir "${asr_exp}" \
        --ngpu "${ngpu}" --multiprocessing_distributed true --resume true \
        "${token_opts[@]}" "${init_opts[@]}" "${data_opts[@]}" "${asr_words[@]}"
fi

if stage 9 decode; then
    gpu=$((ngpu > 0))
    models=("${asr_exp}"/{config.yaml,valid.wer.ave.pth})
    job=("${decode_cmd[@]}" --ngpu "${gpu}" --log)
    common=(--asr_exp "${asr_exp}" --nj "${nj}")
    emissions=${asr_exp}/emissions
    if [[ -n ${lm_config} ]]; then # on which the weights of the language model are tuned
        step emissions --in "${models[@]}" "${valid_dir}/wav.scp" \
            --out "${emissions}/${valid_set}/meta.json" -- \
            "${job[@]}" "${emissions}/${valid_set}.log" -- hamzaban make-emissions \
            "${common[@]}" --ngpu "${gpu}" --data_dir "${valid_dir}" \
            --output_dir "${emissions}/${valid_set}"
    fi
    for tag in "${decodings[@]}"; do
        dir=${asr_exp}/${tag}
        config=${inference_files[${tag}]-}
        opts=("${lm_opts[@]}" ${config:+--inference_config "${config}"})
        input_files=() # what the YAML's base, and its mapping, are
        [[ -z ${config} ]] || find_inputs "${config}"
        inputs=("${lm_files[@]}" ${config:+"${config}"} "${input_files[@]}")
        if [[ -n ${lm_config} && -n ${config} ]]; then
            step tune --in "${emissions}/${valid_set}/meta.json" "${valid_dir}/text" \
                "${inputs[@]}" --out "${dir}/tuned/weights.yaml" -- \
                "${job[@]}" "${dir}/tuned/tune.log" -- hamzaban tune-decoder \
                "${common[@]}" "${opts[@]}" --emissions_dir "${emissions}/${valid_set}" \
                --ref "${valid_dir}/text" --output_dir "${dir}/tuned"
            opts+=(--weights "${dir}/tuned/weights.yaml"
                --emissions_dir "${emissions}/SET")
            inputs+=("${dir}/tuned/weights.yaml")
        fi
        for name in "${eval_sets[@]}"; do
            find_optional "${dumpdir}/raw/${name}/utt2lang"
            step decode --out "${dir}/${name}"/{text,token,token_int,score} \
                --in "${models[@]}" "${dumpdir}/raw/${name}/wav.scp" "${inputs[@]}" \
                "${optional_files[@]}" -- \
                "${job[@]}" "${dir}/${name}/logdir/decode.log" -- hamzaban decode-asr \
                "${common[@]}" --ngpu "${gpu}" "${opts[@]/%\/SET//${name}}" \
                --data_dir "${dumpdir}/raw/${name}" --output_dir "${dir}/${name}"
        done
    done
fi

if stage 10 score; then
    kinds=(wer cer)
    score_opts=("${cleaner_opts[@]}" --token_type "${token_type}")
    if [[ ${token_type} == bpe ]]; then
        kinds+=(ter)
        score_opts+=("${bpe_opts[@]}")
    fi
    results=()
    for name in "${eval_sets[@]}"; do
        ref=${dumpdir}/raw/${name}
        find_optional "${ref}/utt2lang"
        for tag in "${decodings[@]}"; do
            dir=${asr_exp}/${tag}/${name}
            scores=("${kinds[@]/#/${dir}/score_}")
            step score --in "${ref}"/{text,utt2spk} "${optional_files[@]}" "${dir}/text" \
                "${token_files[@]}" \
                --out "${scores[@]/%//result.txt}" -- \
                hamzaban score-text --ref "${ref}/text" --utt2spk "${ref}/utt2spk" \
                --hyp "${dir}/text" --output_dir "${dir}" "${score_opts[@]}"
            results+=("${scores[@]/%//result.txt}")
        done
    done
    step results --in "${results[@]}" --out "${asr_exp}/RESULTS.md" -- \
        hamzaban show-results "${asr_exp}" --output "${asr_exp}/RESULTS.md"
    results=("${expdir}"/asr_*/RESULTS.md)
    step results --in "${results[@]}" --out "${expdir}/RESULTS.md" -- \
        hamzaban show-results "${results[@]%/RESULTS.md}" --output "${expdir}/RESULTS.md" \
        --report "${expdir}/report.html"
    cat "${asr_exp}/RESULTS.md"
fi

if stage 11 pseudo; then # what comes later counts
    "${MAIN_ROOT}/local/transfer.sh" --source_exp "${asr_exp}" --nj "${nj}" \
        --ngpu "${ngpu}" --pseudo_exp "${pseudo_exp}" \
        --token_type "${token_type}" "${cleaner_opts[@]}" "${pseudo_words[@]}"
fi

if stage 12 report; then
    results=("${expdir}"/asr_*/RESULTS.md)
    others=()
    for file in "${results[@]%/RESULTS.md}"; do
        [[ ${file} == "${asr_exp}" ]] || others+=("${file}")
    done
    rounds=()
    [[ ! -f ${pseudo_exp}/status.json ]] || rounds=(--pseudo_exp "${pseudo_exp}")
    find_optional \
        {"${expdir}"/pseudo_*,"${pseudo_exp}"}/{rounds.tsv,status.json,hours.tsv,RESULTS.md}
    step report --in "${results[@]}" "${asr_exp}/train.log" "${optional_files[@]}" \
        --out "${expdir}"/report.{html,png} -- \
        hamzaban make-report "${asr_exp}" "${others[@]}" --nj "${nj}" "${rounds[@]}" \
        --raw_dir "${dumpdir}/raw" --output "${expdir}/report.html"
fi

if stage 13 pack; then
    archive=${asr_exp}/${asr_exp##*/}_valid.wer.ave.zip
    step pack --in "${asr_exp}"/{config.yaml,valid.wer.ave.pth,RESULTS.md} \
        "${token_files[@]}" --out "${archive}" -- \
        hamzaban pack-model --asr_exp "${asr_exp}" --asr_model valid.wer.ave.pth \
        --outpath "${archive}"
fi
log "Finished after ${SECONDS} s"
