#!/usr/bin/env bash
# The end of stage 1 of asr.sh: sentences and speakers that training shares with valid or
# test. Sourced by asr.sh, which sets the variables used here.
# shellcheck disable=SC2034,SC2154

leak_record=data/${train_set}_leaks.json # what conf/leaks.yaml allows, counted

audit_leaks() {
    local dir leak_opts=() test_opts=()
    find_files conf/leaks.yaml
    [[ ${#found_files[@]} -eq 0 ]] || leak_opts=(--config conf/leaks.yaml)
    for dir in "${labelled[@]:2}"; do
        [[ ${#test_opts[@]} -gt 0 ]] || test_opts=(--test_text)
        test_opts+=("${dir}/text")
    done
    step leaks --in "${labelled[@]}" "${found_files[@]}" --out "${leak_record}" -- \
        hamzaban audit-leaks "${cleaner_opts[@]}" "${leak_opts[@]}" --nj "${nj}" \
        --record "${leak_record}" \
        --train_text "data/${train_set}/text" --valid_text "data/${valid_set}/text" \
        "${test_opts[@]}"
}

find_leaks() { # sets leak_files to the record of these sets, and leak_opts to its option
    find_files "${leak_record}" # not there if stage 1 ran with an older version
    leak_files=("${found_files[@]}")
    leak_opts=()
    [[ ${#leak_files[@]} -eq 0 ]] || leak_opts=(--leaks "${leak_files[@]}")
}
