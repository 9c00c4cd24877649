#!/usr/bin/env bats
# From one language to another: the stages lm and score of local/pseudo.sh, and its YAML.

load helpers

setup() {
    make_recipe
    fake_rounds
    printf 'word: null\n' > conf/lm.yaml
    printf 'search: lexicon\n' > conf/decode_target.yaml
    mkdir -p spoken
    touch spoken/{wav.scp,text,utt2spk}
}

transfer() { # option...
    "${ROOT}/local/pseudo.sh" --source_exp source --data_dir unlabelled \
        --text sentences --lm_config conf/lm.yaml --asr_config conf/train_ctc.yaml \
        --ngpu 0 --nj 2 --pseudo_config pseudo.yaml --pseudo_exp exp/pseudo --rounds 1 "$@"
}

@test "the target's language model is made, rounds are scored, a rerun does nothing" {
    set -- --lang ur --test_dirs spoken \
        --inference_config "conf/decode_target.yaml conf/decode_greedy.yaml"
    run transfer "$@"
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    grep -q "^train-lm --config exp/pseudo/conf/lm.yaml .*--lm_text sentences" "${CALLS}"
    grep -q "^pseudo-label .*--lm_dir exp/pseudo/lm" "${CALLS}"
    grep -q "^decode-asr --asr_exp source .*--emissions_dir exp/pseudo/round_0/\
emissions_spoken --data_dir spoken" "${CALLS}"
    grep -q "^decode-asr --asr_exp exp/pseudo/round_1/model .*--lm_dir exp/pseudo/lm" \
        "${CALLS}"
    [ "$(calls decode-asr)" -eq 4 ]
    [ "$(grep -c "^score-text .*--lang ur" "${CALLS}")" -eq 4 ]
    [ -f exp/pseudo/round_1/decode_greedy/spoken/score_cer/result.txt ]
    grep -q "round_0 exp/pseudo/round_1 --output exp/pseudo/RESULTS.md" exp/pseudo/RESULTS.md
    : > "${CALLS}"
    run transfer "$@"
    [ "${status}" -eq 0 ]
    [ ! -s "${CALLS}" ]
}

@test "without test sets nothing is scored" {
    run transfer
    [ "${status}" -eq 0 ]
    [ "$(calls decode-asr)" -eq 0 ]
    [ -f exp/pseudo/rounds.tsv ]
}

@test "wrong options are refused before anything runs" {
    for options in "--test_dirs spoken" "--test_dirs none --inference_config pseudo.yaml" \
        "--lm_config none" "--source_exp"; do
        read -ra words <<< "${options}"
        run transfer "${words[@]}"
        [ "${status}" -ne 0 ]
        [ "${#lines[@]}" -eq 1 ]
    done
    [ ! -s "${CALLS}" ]
}

@test "rounds of an earlier, longer run are not in the results" {
    set -- --test_dirs spoken --inference_config conf/decode_greedy.yaml --rounds 2
    run transfer "$@"
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    grep -q "exp/pseudo/round_2 " exp/pseudo/RESULTS.md
    printf 'valid_share: 0.1\n' > pseudo.yaml
    COLLAPSE=1 run transfer "$@"
    [ "${status}" -eq 0 ]
    grep -q "exp/pseudo/round_1 " exp/pseudo/RESULTS.md
    run grep round_2 exp/pseudo/RESULTS.md
    [ "${status}" -eq 1 ]
    [ -d exp/pseudo/set_aside/round_2.1/decode_greedy ]
}

@test "words are decoded again when the letters that the config names change" {
    printf 'base: decode_base.yaml\n' > conf/decode_greedy.yaml
    printf 'mapping: letters.yaml\n' > conf/decode_base.yaml
    printf 'letters: {b: p}\n' > letters.yaml
    set -- --test_dirs spoken --inference_config conf/decode_greedy.yaml --rounds 0
    transfer "$@"
    : > "${CALLS}"
    printf 'letters: {b: v}\n' > letters.yaml
    transfer "$@"
    [ "$(calls decode-asr)" -eq 1 ]
    printf 'mapping: letters.yaml\nbeam_size: 4\n' > conf/decode_base.yaml
    transfer "$@"
    [ "$(calls decode-asr)" -eq 2 ]
}

@test "test sets are decoded with the weights chosen for the round" {
    printf 'search: lexicon\n' > conf/words_base.yaml
    printf 'base: words_base.yaml\n' > conf/decode_words.yaml
    transfer --test_dirs spoken --rounds 1 \
        --inference_config "conf/decode_greedy.yaml conf/decode_words.yaml"
    for round in 0 1; do
        grep -q "^decode-asr .*--weights exp/pseudo/round_${round}/weights.yaml .*round_${round}/" \
            "${CALLS}"
    done
    [ "$(grep -c "^decode-asr .*--weights" "${CALLS}")" -eq 2 ] # greedy is as the model hears
    [ "$(calls decode-asr)" -eq 4 ]
}
