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

@test "other labels, characters, old speech or probes mean to pretrain anew" {
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
