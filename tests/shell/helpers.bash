#!/usr/bin/env bash
# Functions that the tests of the shell scripts share.

ROOT=$(realpath "${BATS_TEST_DIRNAME}/../..")

# Makes a repository with one recipe and a stand-in for hamzaban, and changes into the
# recipe. The recipe's name has a space and a letter that is not ASCII.
make_recipe() {
    local root="${BATS_TEST_TMPDIR}/repository"
    local recipe="${root}/egs2/ت toy/asr1"
    mkdir -p "${recipe}"/{local,conf,downloads/seed} "${root}/bin" "${root}/egs2/TEMPLATE"
    cp -r "${ROOT}/local" "${root}/local"
    cp -r "${ROOT}/egs2/TEMPLATE/asr1" "${root}/egs2/TEMPLATE/asr1"
    cp "${ROOT}/tests/shell/fake_hamzaban" "${root}/bin/hamzaban"
    ln -s ../../../local/asr.sh "${recipe}/asr.sh"
    ln -s ../../TEMPLATE/asr1/path.sh "${recipe}/path.sh"
    printf 'max_epoch: 1\n' > "${recipe}/conf/train_ctc.yaml"
    printf 'max_epoch: 1\n' > "${recipe}/conf/pretrain.yaml"
    printf 'batch_bins: 1\n' > "${recipe}/conf/decode_greedy.yaml"
    # What torch.save once wrote: four pickles, of which the last has the names of a model.
    printf '\x80\2N.\x80\2N.\x80\2N.\x80\2X\x8\0\0\0task_cfgX\x9\0\0\0model_cfgX\xc\0\0\0model_weight.' \
        > "${recipe}/downloads/seed/wav2vec2.pt"
    cat > "${recipe}/local/data.sh" << 'END'
#!/usr/bin/env bash
set -eu
printf 'data.sh %s\n' "$*" >> "${CALLS}"
for name in train valid test unlabelled; do
    mkdir -p "data/${name}"
    for file in wav.scp text utt2spk spk2utt; do
        printf '%s %s\n' "${name}1" "${name}" > "data/${name}/${file}"
    done
done
rm data/unlabelled/text
END
    chmod +x "${recipe}/local/data.sh"
    export PATH="${root}/bin:${PATH}" PLUGINS="${ROOT}/plugins"
    export CALLS="${BATS_TEST_TMPDIR}/calls" PYTHON="${PYTHON:-python3}"
    : > "${CALLS}"
    cd "${recipe}" || return 1
}

asr() { # option...: the recipe's run
    ./asr.sh --lang ar --train_set train --valid_set valid --test_sets "test valid" \
        --unlabelled_set unlabelled --asr_config conf/train_ctc.yaml --ngpu 0 --nj 2 \
        --nbpe 30 --inference_config conf/decode_greedy.yaml "$@"
}

calls() { # verb: prints how many times it was called
    grep -c "^$1" "${CALLS}" || true
}

# Makes the files that pseudo.sh reads, and a stand-in for pseudo-label. Needs make_recipe.
fake_rounds() {
    local bin=${ROOT}/tests/shell/fake_hamzaban
    export FAKE=${BATS_TEST_TMPDIR}/fake_hamzaban COLLAPSE=9
    cp "${bin}" "${FAKE}"
    cat > "${PATH%%:*}/hamzaban" << 'END'
#!/usr/bin/env bash
# pseudo-label: rounds before ${COLLAPSE} succeed; fake_hamzaban does the rest.
set -eu
[[ $1 != train-lm ]] || { mkdir -p "$5/word" && touch "$5/word/lm.bin"; }
[[ $1 == pseudo-label ]] || exec "${FAKE}" "$@"
printf '%s\n' "$*" >> "${CALLS}"
if [[ ${6-} == --summarize ]]; then
    cp "$3/round_$5/status.json" "$3/status.json"
    printf 'round\n%s\n' "$5" > "$3/rounds.tsv"
    exit 0
fi
dir=$3/round_$5
for part in train valid; do
    mkdir -p "${dir}/data/${part}"
    for file in text wav.scp utt2num_samples; do
        printf 'u%s 1\n' "$5" > "${dir}/data/${part}/${file}"
    done
done
go_on=true
[[ $5 -lt ${COLLAPSE} ]] || go_on=false
printf '{}\n' > "${dir}/health.json"
printf 'blank_score: -1.0\n' > "${dir}/weights.yaml"
printf '{\n "go_on": %s,\n "why": "round %s",\n "best_asr_exp": "x"\n}\n' \
    "${go_on}" "$5" > "${dir}/status.json"
END
    mkdir -p source unlabelled lm/word
    touch source/valid.wer.ave.pth unlabelled/wav.scp lm/word/lm.bin
    printf 'frontend: hamzaban_s3prl\nfrontend_conf: {model_cfg: {encoder_layers: 2}}\n' \
        > source/config.yaml
    printf 'b a\n\nc\n' > sentences
    printf '{}\n' > pseudo.yaml
}
