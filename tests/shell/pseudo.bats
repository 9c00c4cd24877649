#!/usr/bin/env bats
# The loop of pseudo-labelling, local/pseudo.sh, with stand-ins that record their calls.

load helpers

setup() {
    make_recipe
    fake_rounds
}

pseudo() { # option...
    "${ROOT}/local/pseudo.sh" --source_exp source --data_dir unlabelled \
        --text sentences --lm_dir lm --asr_config conf/train_ctc.yaml --ngpu 0 --nj 2 \
        --pseudo_config pseudo.yaml --pseudo_exp exp/pseudo "$@"
}

@test "rounds train on what the round before kept, and nothing runs the second time" {
    run pseudo --rounds 2
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    [ "$(cut -d' ' -f1 "${CALLS}" | paste -sd' ')" = "make-emissions pseudo-label \
make-tokens map-head collect-stats collect-stats train-asr make-emissions pseudo-label \
collect-stats collect-stats train-asr make-emissions pseudo-label pseudo-label" ]
    grep -q "^train-asr .*round_2/model .*--init_param exp/pseudo/source.pth \
.*round_1/data/train/text,text,text" "${CALLS}"
    grep -q "^make-emissions --asr_exp exp/pseudo/round_2/model" "${CALLS}"
    [ "$(< exp/pseudo/sentences)" = $'s000000001 b a\ns000000003 c' ]
    grep -q "^    encoder_layers: 2$" exp/pseudo/conf/asr.yaml # the source's
    : > "${CALLS}"
    run pseudo --rounds 2
    [ "${status}" -eq 0 ]
    [ ! -s "${CALLS}" ]
}

@test "the guard ends the rounds" {
    COLLAPSE=1 run pseudo --rounds 5
    [ "${status}" -eq 0 ]
    [ "$(calls train-asr)" -eq 1 ]
    [[ ${output} == *"Best: x; round 1"* ]]
}

@test "a loop that failed continues from where it stopped" {
    FAIL=train-asr run pseudo --rounds 1
    [ "${status}" -ne 0 ]
    : > "${CALLS}"
    run pseudo --rounds 1
    [ "${status}" -eq 0 ]
    [ "$(cut -d' ' -f1 "${CALLS}" | paste -sd' ')" = \
        "train-asr make-emissions pseudo-label pseudo-label" ]
}

@test "weights may be random or pretrained, and tokens may be pieces" {
    pseudo --rounds 1 --start random --ssl_checkpoint downloads/seed/wav2vec2.pt \
        --token_type bpe --nbpe 30
    grep -q "^train-asr .*--bpemodel exp/pseudo/tokens/bpe.model --ssl_checkpoint \
downloads/seed/wav2vec2.pt" "${CALLS}"
    run grep -c init_param "${CALLS}"
    [ "${output}" -eq 0 ]
    run grep -c encoder_layers exp/pseudo/conf/asr.yaml
    [ "${output}" -eq 0 ]
}

@test "wrong options are refused before anything runs" {
    mkdir heads
    printf 'frontend: hamzaban_s3prl\nmodel: hamzaban_joint_ctc\n' > heads/config.yaml
    for options in "--start teacher" "--rounds two" "--token_type word" "--lm_dir none"; do
        read -ra words <<< "${options}"
        run pseudo "${words[@]}"
        [ "${status}" -eq 1 ]
        [ "${#lines[@]}" -eq 1 ]
    done
    run pseudo --source_exp heads
    [ "${status}" -eq 1 ]
    [[ ${lines[-1]} == *"heads/config.yaml: the model has a CTC head for each of"* ]]
    [ ! -s "${CALLS}" ]
}

@test "passes with dropout have emissions of their own, one seed each" {
    pseudo --rounds 0 --dropout_passes 2
    [ "$(calls make-emissions)" -eq 3 ]
    grep -q "^make-emissions .*--output_dir exp/pseudo/round_0/emissions_dropout_2 \
--dropout 0.1 --dropout_seed 2$" "${CALLS}"
    : > "${CALLS}"
    pseudo --rounds 0 --dropout_passes 3
    [ "$(cut -d' ' -f1 "${CALLS}" | paste -sd' ')" = "make-emissions pseudo-label" ]
}

@test "more rounds continue from the existing ones, fewer set the rest aside" {
    pseudo --rounds 1
    : > "${CALLS}"
    pseudo --rounds 2
    [ "$(cut -d' ' -f1 "${CALLS}" | paste -sd' ')" = "collect-stats collect-stats \
train-asr make-emissions pseudo-label pseudo-label" ]
    : > "${CALLS}"
    run pseudo --rounds 1
    [[ ${output} == *"round_2: the rounds end with round 1; it is now \
exp/pseudo/set_aside/round_2.1"* ]]
    [ "$(< "${CALLS}")" = "pseudo-label --pseudo_exp exp/pseudo --last 1 --summarize" ]
    [ ! -e exp/pseudo/round_2 ]
    [ -f exp/pseudo/set_aside/round_2.1/model/config.yaml ]
    cmp exp/pseudo/status.json exp/pseudo/round_1/status.json
}

@test "a change of the table of letters, its base or another decoding is noticed" {
    printf 'mapping: "map é.yaml"\nfilters:\n  others: ["other/round_{round}/labels"]\n' \
        > pseudo.yaml
    printf 'base: far.yaml\nletters: {}\n' > "map é.yaml"
    printf 'letters: {b: p}\n' > far.yaml
    mkdir -p other/round_0/labels
    printf '{}\n' > other/round_0/labels/00000.jsonl
    pseudo --rounds 1
    : > "${CALLS}"
    printf 'letters: {b: v}\n' > far.yaml
    pseudo --rounds 1
    [ "$(calls pseudo-label)" -eq 2 ]
    [ "$(calls map-head)" -eq 1 ]
    : > "${CALLS}"
    printf '{"a": 1}\n' > other/round_0/labels/00000.jsonl
    pseudo --rounds 1
    [ "$(< "${CALLS}")" = "$(grep "^pseudo-label .*--round 0 " "${CALLS}")" ]
}
