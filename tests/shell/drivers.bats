#!/usr/bin/env bats
# What the drivers have in common: dry runs, cmd.sh, GPUs; local/stages.sh.

load helpers

setup() {
    make_recipe
}

list_files() {
    find . -type f -o -type d | sort
}

@test "a dry run prints the command of each step, quoted, and makes nothing" {
    mkdir "a folder" && cp downloads/seed/wav2vec2.pt "a folder/it's é.pt"
    printf 'word: {order: 2}\n' > conf/lm.yaml
    printf 'fs: 16000\n' > conf/mine.yaml
    list_files > "${BATS_TEST_TMPDIR}/before"
    asr --dry_run true --stop_stage pack --lm_config conf/lm.yaml \
        --pretrain_config conf/pretrain.yaml --mine_config conf/mine.yaml \
        --pretrain_init "a folder/it's é.pt" --asr_args "--max_epoch 2" \
        > "${BATS_TEST_TMPDIR}/printed" 2> "${BATS_TEST_TMPDIR}/logged"
    list_files | diff "${BATS_TEST_TMPDIR}/before" -
    [ ! -s "${CALLS}" ]
    cd "${BATS_TEST_TMPDIR}"
    for verb in validate-data audit-leaks format-audio mine-audio combine-data train-ssl \
        make-tokens train-lm collect-stats train-asr make-emissions tune-decoder \
        decode-asr fit-confidence score-text show-results make-report pack-model export; do
        grep -q "hamzaban ${verb} " printed || { echo "${verb}"; cat printed; return 1; }
    done
    grep -qF -- "--init_checkpoint 'a folder/it'\''s é.pt' " printed
    grep -q "^hamzaban run-jobs .*--log .*/train.log.* -- hamzaban train-asr .*--max_epoch 2$" \
        printed
    grep -q "Stage 13: pack" logged
    # The lines are commands: the shell reads the words that asr.sh would have run.
    line=$(grep "hamzaban train-ssl" printed)
    local words=()
    eval "words=(${line})"
    [[ " ${words[*]} " == *" --init_checkpoint a folder/it's é.pt "* ]]
}

@test "a dry run of pseudo-labels prints all rounds and their scores" {
    fake_rounds
    cat > pseudo.yaml << 'YAML'
options:
    target: far
    text: text_{target}
    data_dir: unlabelled_{target}
    lm_config: lm.yaml
    asr_config: conf/train_ctc.yaml
    test_dirs: [test_{target}, other]
    inference_config: conf/decode_greedy.yaml
    rounds: 2
    asr_args: --seed 1 --max_epoch 3
YAML
    sed -i 's/\[test_{target}, other\]/["test_{target}", other]/' pseudo.yaml
    list_files > "${BATS_TEST_TMPDIR}/before"
    run asr --dry_run true --stage pseudo --stop_stage pseudo \
        --pseudo_config "pseudo.yaml target=near rounds=1"
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    list_files | diff "${BATS_TEST_TMPDIR}/before" -
    [ ! -s "${CALLS}" ]
    count() { grep -c "hamzaban $1 " <<< "${output}"; }
    [ "$(count train-lm)" -eq 1 ]
    [ "$(count pseudo-label)" -eq 3 ] # two rounds and their summary
    [ "$(count train-asr)" -eq 1 ]
    [ "$(count decode-asr)" -eq 4 ]
    grep -q "pseudo-label .*--data_dir unlabelled_near .*--text text_near " <<< "${output}"
    grep -q "train-asr .*--seed 1 --max_epoch 3$" <<< "${output}"
    grep -q "score-text --ref test_near/text .*--lang ar$" <<< "${output}"
}

@test "options of pseudo-labels come from the YAML, the command line overrides them" {
    fake_rounds
    cp conf/train_ctc.yaml "asr config.yaml"
    cat > pseudo.yaml << 'YAML'
options:
    source_exp: source
    data_dir: unlabelled
    text: sentences
    lm_dir: lm
    asr_config: asr config.yaml
    pseudo_exp: exp/pseudo
    rounds: 3
    ngpu: 0
YAML
    run "${ROOT}/local/pseudo.sh" --pseudo_config pseudo.yaml --rounds 1
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    [ "$(calls train-asr)" -eq 1 ]
    [ "$(calls pseudo-label)" -eq 3 ] # two rounds and their summary
    [ "$(grep -c options exp/pseudo/conf/pseudo.yaml)" -eq 0 ]
    run "${ROOT}/local/pseudo.sh" --pseudo_config "pseudo.yaml rounds=2"
    [ "$(calls train-asr)" -eq 2 ]
    run "${ROOT}/local/pseudo.sh" --pseudo_config "pseudo.yaml round=2"
    [ "${status}" -eq 1 ]
    [[ ${output} == *"pseudo.sh: option --round is unknown"* ]]
}

@test "jobs run as the shared cmd.sh says, or as the recipe's own" {
    run asr --dry_run true --stage train --stop_stage decode
    [[ ${output} == *"hamzaban run-jobs --backend local --ngpu 0 "*" train-asr"* ]]
    printf 'cuda_cmd=(far away --gpu)\n' > cmd.sh
    run asr --dry_run true --stage train --stop_stage decode
    [[ ${output} == *$'\n'"far away --gpu --ngpu 0 "*" train-asr"* ]]
    [[ ${output} == *"hamzaban run-jobs --backend local --ngpu 0 "*" decode-asr"* ]]
}

@test "--ngpu auto uses all GPUs of the machine and logs how many" {
    train() { # expected option...
        run asr --dry_run true --stage train --stop_stage train --ngpu auto "${@:2}"
        [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
        [[ ${output} == *"--ngpu auto selects $1 GPU(s)"* ]] &&
            [[ ${output} == *"train-asr "*" --ngpu $1 "* ]]
    }
    printf '#!/bin/sh\necho 0\necho 1\n' > "${PATH%%:*}/nvidia-smi"
    chmod +x "${PATH%%:*}/nvidia-smi"
    unset CUDA_VISIBLE_DEVICES
    train 2
    CUDA_VISIBLE_DEVICES=3,GPU-1a,5 train 3
    CUDA_VISIBLE_DEVICES="" train 0
    CUDA_VISIBLE_DEVICES=-1 train 0
    printf '#!/bin/sh\necho "driver is missing"\nexit 9\n' > "${PATH%%:*}/nvidia-smi"
    train 0
    # shellcheck disable=SC2016  # nothing is to be expanded
    for word in 'x[$(touch made)]' -1 one; do
        run asr --ngpu "${word}"
        [ "${status}" -eq 1 ]
        [[ ${output} == "asr.sh: --ngpu is '${word}', expected auto or a number" ]]
    done
    [ ! -e made ]
}

@test "cmd_backend=slurm sends every heavy command to the cluster, others stay" {
    printf 'word: {order: 2}\n' > conf/lm.yaml
    printf 'fs: 16000\n' > conf/mine.yaml
    printf 'cmd_backend=slurm\n' > cmd.sh
    mkdir -p conf
    printf 'base: %s/conf/slurm.yaml\nshards: 2\njobs: {train: {gpus: 4}}\n' "${ROOT}" > conf/slurm.yaml
    run asr --dry_run true --stop_stage report --lm_config conf/lm.yaml --ngpu auto \
        --pretrain_config conf/pretrain.yaml --mine_config conf/mine.yaml --nj 3
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    for pair in audio:format-audio mine:mine-audio; do
        grep -q "^hamzaban ${pair#*:} --nj 3 --shards 2 --backend slurm --backend_conf \
config=conf/slurm.yaml --backend_conf kind=${pair%%:*} --log .*JOB.log " <<< "${output}" ||
            { echo "${pair}"; echo "${output}"; return 1; }
    done
    for pair in lm:train-lm train:train-ssl \
        train:train-asr decode:make-emissions decode:tune-decoder decode:decode-asr; do
        grep -q "^hamzaban run-jobs --backend slurm --backend_conf config=conf/slurm.yaml \
--backend_conf kind=${pair%%:*} .*--log .* -- hamzaban ${pair#*:} " <<< "${output}" ||
            { echo "${pair}"; echo "${output}"; return 1; }
    done
    [[ ${output} == *"kind=train --ngpu 4 "* ]]
    [[ ${output} == *"kind=decode --num_cpus 3 --ngpu 1 "* ]]
    [[ ${output} == *$'\n'"hamzaban score-text "* ]]
}
