#!/usr/bin/env bats
# Pretraining by local/asr.sh: what it depends on, and what its folders are called.

load helpers

setup() {
    make_recipe
    for name in labelled old "a probe"; do
        mkdir -p "data/${name}"
        printf 'u1 1\n' | tee "data/${name}"/{wav.scp,utt2num_samples,text} > /dev/null
    done
    printf '<blank>\n' > tokens.txt
    printf 'replay_dir: data/old\nprobes:\n    far: "data/a probe"\n' \
        > conf/pretrain.yaml
    asr --stop_stage audio
    : > "${CALLS}"
}

pretrain() { # option...
    run asr --stage pretrain --stop_stage pretrain --pretrain_config conf/pretrain.yaml "$@"
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
}

@test "a change of labels, characters, old speech or probes pretrains again" {
    args="--labelled_dir data/labelled --token_list=tokens.txt --probes near=data/labelled"
    pretrain --pretrain_args "${args}"
    pretrain --pretrain_args "${args}"
    [ "$(calls train-ssl)" -eq 1 ]
    number=1
    for file in data/labelled/{text,wav.scp} tokens.txt data/old/wav.scp \
        "data/a probe/utt2num_samples"; do
        printf 'u2 2\n' >> "${file}"
        pretrain --pretrain_args "${args}"
        number=$((number + 1))
        [ "$(calls train-ssl)" -eq "${number}" ] || { echo "${file}"; return 1; }
        [[ ${output} == *"${file} has changed"* ]] || { echo "${output}"; return 1; }
    done
    pretrain --pretrain_args "${args}"
    [ "$(calls train-ssl)" -eq "${number}" ]
}

@test "folders are named after the last part of paths, and names stay short" {
    pretrain --pretrain_args "--labelled_dir data/labelled/ --probes near=data/old --lr=1e-3"
    [ -f exp/ssl_pretrain_raw_ar_labelled_dirlabelled_probesnearold_lr1e-3/wav2vec2.pt ] ||
        { ls exp; return 1; }
    long=$(printf 'ت%.0s' {1..60})
    mkdir "data/${long}"
    for last in 1 2; do
        pretrain --pretrain_args "--labelled_dir data/${long} --replay_dir data/${long} \
            --labelled_valid_dir data/${long} --token_list tokens.txt --seed ${last}"
    done
    [ "$(find exp -maxdepth 1 -name 'ssl_*' | wc -l)" -eq 3 ]
    asr --stop_stage train --pretrain_config conf/pretrain.yaml --pretrain_args \
        "--labelled_dir data/${long} --replay_dir data/${long} --seed 2"
    while IFS= read -r name; do
        [ "$(wc -c <<< "${name}")" -lt 200 ] || { echo "${name}"; return 1; }
        iconv -f utf-8 -t utf-8 <<< "${name}" > /dev/null
    done < <(find exp -printf '%f\n')
}

@test "a run from the last good weights is named after the run that left them" {
    mkdir -p exp/ssl_a
    cp downloads/seed/wav2vec2.pt exp/ssl_a/wav2vec2_last_good.pt
    pretrain --pretrain_init exp/ssl_a/wav2vec2_last_good.pt
    [ -f exp/ssl_pretrain_raw_ar_init_ssl_a/wav2vec2.pt ]
}

@test "several sets without transcripts are made, checked, and pretrained on together" {
    sed -i 's/valid test unlabelled/valid test unlabelled more/
        s/^rm .*/rm data\/{unlabelled,more}\/text/' local/data.sh
    pretrain --stage 1 --unlabelled_set "unlabelled more" --dumpdir "a & b"
    grep -q "^validate-data .*data/unlabelled data/more$" "${CALLS}"
    for name in unlabelled more; do
        grep -q "^format-audio .* data/${name} a & b/raw/${name}$" "${CALLS}"
    done
    both="a & b/raw/train_unlabelled_more"
    grep -q "^combine-data .*${both} a & b/raw/train a & b/raw/unlabelled a & b/raw/more$" \
        "${CALLS}"
    grep -q "^train-ssl .*${both}/wav.scp" "${CALLS}"
}

@test "ssl.sh asks for the media of stage 1 before the checkpoint of stage 4" {
    ln -s "${ROOT}/local/ssl.sh" ssl.sh
    printf 'output: flac\n' > conf/mine.yaml
    options=(--ssl_tag x --pretrain_config conf/pretrain.yaml --pretrain_init none.pt
        --mine_config conf/mine.yaml --ngpu 0)
    printf '#!/bin/bash\necho "no media" >&2\nexit 1\n' > local/data.sh
    chmod +x local/data.sh
    run ./ssl.sh "${options[@]}"
    [ "${status}" -ne 0 ]
    [[ ${output} == *"no media"* && ${output} != *"none.pt"* ]] || { echo "${output}"; return 1; }
    printf '#!/bin/bash\n' > local/data.sh
    run ./ssl.sh "${options[@]}"
    [ "${status}" -ne 0 ]
    [[ ${output} == *"--pretrain_init none.pt: no such file"* ]] || { echo "${output}"; return 1; }
    [ "$(calls mine-audio)" -eq 0 ]
}
