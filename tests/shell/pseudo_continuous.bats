#!/usr/bin/env bats
# Labelled audio of the target and the last, continuous round of local/pseudo.sh.

load helpers

setup() {
    make_recipe
    local bin=${ROOT}/tests/shell/fake_hamzaban
    export FAKE=${BATS_TEST_TMPDIR}/fake_hamzaban COLLAPSE=9
    cp "${bin}" "${FAKE}"
    cat > "${PATH%%:*}/hamzaban" << 'END'
#!/usr/bin/env bash
# pseudo-label: rounds before ${COLLAPSE} are well. train-pseudo: its labels collapse if
# ${SILENT} is set. The rest is fake_hamzaban's.
set -eu
make_data() { # folder...
    for dir in "$@"; do
        mkdir -p "${dir}"
        touch "${dir}"/{wav.scp,text,utt2num_samples}
    done
}
case $1 in
    pseudo-label | train-pseudo | combine-data) printf '%s\n' "$*" >> "${CALLS}" ;;
    *) exec "${FAKE}" "$@" ;;
esac
[[ $1 != "${FAIL-}" ]] || exit 3
case $1${6-} in
    pseudo-label--summarize)
        cp "$3/round_$5/status.json" "$3/status.json"
        printf 'round\n%s\n' "$5" > "$3/rounds.tsv"
        exit
        ;;
esac
case $1 in
    combine-data) make_data "$2" ;;
    train-pseudo)
        mkdir -p "$5"
        [[ -z ${SILENT-} ]] || printf 'silent\n' > "$5/collapsed"
        [[ -z ${SILENT-} ]] || exit 1
        touch "$5"/{config.yaml,valid.wer.ave.pth}
        ;;
    pseudo-label)
        make_data "$3/round_$5"/data/{train,valid}
        go_on=true best=$5
        [[ $5 -lt ${COLLAPSE} ]] || go_on=false best=$(($5 - 1))
        [[ ${best} -ge 0 ]] || best=null
        printf '{}\n' | tee "$3/round_$5"/{health.json,weights.yaml} > /dev/null
        printf '{\n "go_on": %s,\n "best": %s,\n "why": "round %s"\n}\n' \
            "${go_on}" "${best}" "$5" > "$3/round_$5/status.json"
        ;;
esac
END
    mkdir -p source unlabelled lm/word labelled "labelled valid"
    touch source/valid.wer.ave.pth unlabelled/wav.scp lm/word/lm.bin
    printf 'frontend: hamzaban_s3prl\nfrontend_conf: {model_cfg: {encoder_layers: 2}}\n' \
        > source/config.yaml
    touch {labelled,"labelled valid"}/{wav.scp,utt2num_samples}
    printf 'l1 d e\n' | tee labelled/text > "labelled valid/text"
    printf 'b a\n\nc\n' > sentences
    printf '{}\n' > pseudo.yaml
    cp "${ROOT}/conf/pseudo_continuous.yaml" continuous.yaml
}

pseudo() { # option...
    "${ROOT}/local/pseudo.sh" --source_exp source --data_dir unlabelled \
        --text sentences --lm_dir lm --asr_config conf/train_ctc.yaml --ngpu 0 --nj 2 \
        --pseudo_config pseudo.yaml --pseudo_exp exp/pseudo "$@"
}

@test "labelled audio of the target joins every round, and its valid set chooses models" {
    run pseudo --rounds 2 --labelled_dir labelled --labelled_valid_dir "labelled valid"
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    [ "$(calls combine-data)" -eq 2 ]
    grep -qx "combine-data exp/pseudo/round_2/train labelled exp/pseudo/round_1/data/train" \
        "${CALLS}"
    grep -q "^train-asr .*round_2/model .*round_2/train/text,text,text.* --valid_data_path\
_and_name_and_type labelled valid/text,text,text" "${CALLS}"
    [ "$(< exp/pseudo/sentences)" = $'s000000001 b a\ns000000003 c\ns000000004 d e' ]
}

@test "a last round continues from the best one and labels while it trains" {
    COLLAPSE=2 run pseudo --rounds 4 --continuous_config continuous.yaml
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    [ "$(calls train-asr)" -eq 2 ]
    grep -q "^train-pseudo --config exp/pseudo/conf/continuous.yaml --output_dir \
exp/pseudo/round_3/model .*--init_param exp/pseudo/round_1/model/valid.wer.ave.pth \
.*round_1/data/train/text.*round_1/data/valid/text.* --unlabelled_data_dir unlabelled" \
        "${CALLS}"
    [ "$(tail -n 2 "${CALLS}" | cut -d' ' -f1-5)" = \
        $'pseudo-label --pseudo_exp exp/pseudo --round 3
pseudo-label --pseudo_exp exp/pseudo --last 3' ]
    grep -q "^max_epoch: 1$" exp/pseudo/conf/continuous.yaml
    grep -q "^  replace_prob: 0.1$" exp/pseudo/conf/continuous.yaml
    grep -q "^    encoder_layers: 3$" exp/pseudo/conf/continuous.yaml
    : > "${CALLS}"
    COLLAPSE=2 run pseudo --rounds 4 --continuous_config continuous.yaml
    [ "${status}" -eq 0 ]
    [ ! -s "${CALLS}" ]
}

@test "without rounds it goes on from the source, with labelled audio only beside its own" {
    run pseudo --rounds 0 --continuous_config continuous.yaml --labelled_dir labelled
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    grep -q "^train-pseudo .*round_1/model .*--init_param exp/pseudo/source.pth \
.*_type labelled/text,text,text .*round_0/data/valid/text" "${CALLS}"
    [ "$(calls combine-data)" -eq 0 ]
    grep -q "^    encoder_layers: 2$" exp/pseudo/conf/continuous.yaml
}

@test "a last round that collapses leaves the best one, and a failure is an error" {
    pseudo --rounds 1 --continuous_config continuous.yaml
    [ "$(tail -n 1 exp/pseudo/rounds.tsv)" = 2 ]
    printf 'max_epoch: 5\n' >> continuous.yaml
    SILENT=1 run pseudo --rounds 1 --continuous_config continuous.yaml
    [ "${status}" -eq 0 ]
    [ ! -e exp/pseudo/round_2/status.json ] # of the run that went well
    [ -e exp/pseudo/round_2/model/collapsed ]
    [ "$(tail -n 1 exp/pseudo/rounds.tsv)" = 1 ]
    [[ ${output} == *"Round 2 was stopped, round 1 stays the best: silent"* ]]
    [[ ${output} == *"Best: "*"; round 1"* ]]
    FAIL=train-pseudo run pseudo --rounds 1 --continuous_config continuous.yaml
    [ "${status}" -eq 1 ]
    COLLAPSE=0 run pseudo --pseudo_exp exp/none --continuous_config continuous.yaml
    [ "${status}" -eq 1 ]
    [[ ${output} == *"no round is healthy"* ]]
}

@test "a source of the same language keeps its tokens and its output layer" {
    mkdir tokens
    touch tokens/tokens.txt
    run pseudo --rounds 1 --labelled_dir labelled --token_dir tokens
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    [ "$(calls make-tokens)" -eq 0 ]
    grep -q "^train-asr .*--token_list tokens/tokens.txt --init_param \
exp/pseudo/source.pth --train_data" "${CALLS}"
}
