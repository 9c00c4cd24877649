#!/usr/bin/env bats
# The driver, local/asr.sh, with a stand-in for hamzaban that records its calls.

load helpers

setup() {
    make_recipe
}

fails_with() { # message words: one line, exit 1
    read -ra options <<< "$2"
    run asr "${options[@]}"
    [ "${status}" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ ${output} == "asr.sh: "*"$1"* ]] || { echo "${output}"; return 1; }
}

@test "all stages run in order, and nothing runs the second time" {
    run asr --pretrain_config conf/pretrain.yaml --pretrain_init downloads/seed/wav2vec2.pt
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    run cut -d' ' -f1 "${CALLS}"
    [ "$(uniq <<< "${output}" | paste -sd' ')" = "data.sh normalize-data \
validate-data audit-text audit-leaks format-audio combine-data train-ssl make-tokens \
collect-stats train-asr decode-asr fit-confidence decode-asr score-text show-results make-report" ]
    [ "$(calls validate-data)" -eq 2 ]
    [ "$(calls format-audio)" -eq 5 ]
    [ "$(calls decode-asr)" -eq 3 ]
    : > "${CALLS}"
    run asr --pretrain_config conf/pretrain.yaml --pretrain_init downloads/seed/wav2vec2.pt
    [ "${status}" -eq 0 ]
    [ ! -s "${CALLS}" ]
    [[ ${output} == *"train: exp/asr_"*" is up to date"* ]]
}

@test "a change of the utterances' languages decodes and scores again" {
    asr --stop_stage audio
    echo "utt1 ar" > dump/raw/test/utt2lang
    asr
    : > "${CALLS}"
    asr
    [ ! -s "${CALLS}" ]
    echo "utt1 fa" > dump/raw/test/utt2lang
    asr --stage 3
    [ "$(calls decode-asr)" -eq 1 ]
    [ "$(calls train-asr)" -eq 0 ]
    grep -q "^decode-asr .*--data_dir dump/raw/test " "${CALLS}"
    grep -q "^score-text --ref dump/raw/test/text " "${CALLS}"
    : > "${CALLS}"
    echo "utt1 fa" > dump/raw/train/utt2lang
    asr --stage 8
    [ "$(calls train-asr)" -eq 1 ]
}

@test "the base of a decoding's YAML is an input of decoding" {
    printf 'beam_size: 5\n' > conf/decode_base.yaml
    printf 'base: decode_base.yaml\n' > conf/decode_greedy.yaml
    asr
    : > "${CALLS}"
    asr
    [ "$(calls decode-asr)" -eq 0 ]
    printf 'beam_size: 50\n' > conf/decode_base.yaml
    asr
    [ "$(calls decode-asr)" -eq 3 ]
    [ "$(calls train-asr)" -eq 0 ]
}

@test "files are where ESPnet puts them" {
    asr --stop_stage pack --speed_perturb_factors "0.9 1.0 1.1" --asr_args "--max_epoch 2"
    exp=exp/asr_train_ctc_raw_ar_bpe30_max_epoch2_sp
    for file in dump/raw/{train_sp,valid,org/valid,test,unlabelled}/wav.scp \
        data/ar_token_list/bpe_unigram30/{bpe.model,tokens.txt} \
        exp/asr_stats_raw_ar_bpe30_sp/{train,valid}/{speech_shape,text_shape.bpe} \
        "${exp}"/{config.yaml,train.log,RESULTS.md} exp/RESULTS.md \
        "${exp}"/decode_greedy/{test,org/valid}/{text,score_wer/result.txt} \
        "${exp}/${exp#exp/}_valid.wer.ave.zip" "${exp}"/export_hf/{README.md,config.json}; do
        [ -f "${file}" ] || { echo "${file} is missing"; return 1; }
    done
    grep -q "^train-asr .*--max_epoch 2" "${CALLS}"
    grep -q "^format-audio .*--speed_perturb_factors 0.9 1.0 1.1 data/train dump" "${CALLS}"
}

@test "different train sets have their own tokens" {
    tokenize() { # train-set option...
        mkdir -p "dump/raw/$1"
        echo "utt1 $1" > "dump/raw/$1/text"
        asr --stage tokens --stop_stage tokens --train_set "$@"
    }
    tokenize train_ar
    tokenize train_ar_5h_seed0
    tokenize train_ar_5h_seed1
    tokenize train_fa_ar --lang mul
    tokenize train_fa_ur --lang mul --token_type char
    tokenize train_x --lang noinfo
    tokenize set1 --lang ar
    for name in ar ar_5h_seed0 ar_5h_seed1 mul_fa_ar x ar_set1; do
        [ -f "data/${name}_token_list/bpe_unigram30/tokens.txt" ] || { ls data; return 1; }
    done
    [ -f data/mul_fa_ur_token_list/char/tokens.txt ]
    [ "$(calls make-tokens)" -eq 7 ]
}

@test "test sets are not filtered by duration, and only training is given noise" {
    printf 'max_duration_s: 9\n' > conf/audio.yaml
    asr --stop_stage audio --audio_config conf/audio.yaml
    grep "^format-audio" "${CALLS}" > formats
    [ "$(grep -c -- "--config dump/conf/audio.yaml --add_noise false data/[uv]" formats)" -eq 2 ]
    [ "$(grep -vc -- "--add_noise false" formats)" -eq 1 ]
    grep -v -- "--add_noise false" formats | grep -q " data/train dump/raw/train$"
    [ "$(grep -c -- "--max_duration_s inf .*data/test dump/raw/test$" formats)" -eq 1 ]
    [ "$(grep -c -- "--max_duration_s inf .*data/valid dump/raw/org/valid$" formats)" -eq 1 ]
}

@test "audio is made again when a base of its config changes, or a list that this names" {
    printf 'noise_list: noise.lst\n' > conf/noise.yaml
    printf 'base: noise.yaml\nsnr_db: 5 20\n' > conf/audio.yaml
    touch noise.lst
    again() { : > "${CALLS}" && asr --stop_stage audio --audio_config conf/audio.yaml; }
    again
    again
    [ "$(calls format-audio)" -eq 0 ]
    printf 'noise_list: noise.lst\nnum_noises: 3\n' > conf/noise.yaml
    again
    [ "$(calls format-audio)" -gt 0 ]
    echo hum.wav > noise.lst
    again
    [ "$(calls format-audio)" -gt 0 ]
}

@test "only training text is normalized, and only if a language is given" {
    asr --stop_stage data
    grep "^normalize-data" "${CALLS}" > normalized
    [ "$(wc -l < normalized)" -eq 2 ]
    grep -q -- "--lang ar --profile train --marks drop data/train data/train$" normalized
    grep -q -- "--test_text data/test/text" "${CALLS}"
    grep -q -- "^audit-leaks .*--record data/train_leaks.json " "${CALLS}"
    : > "${CALLS}"
    asr --stop_stage data --cleaner hamzaban/fa/score
    grep -q -- "--lang fa --profile score --marks drop data/valid data/valid$" "${CALLS}"
    : > "${CALLS}"
    asr --stop_stage data --cleaner none
    [ "$(calls normalize-data)" -eq 0 ]
    [ "$(calls audit-text)" -eq 0 ]
    [ "$(calls audit-leaks)" -eq 1 ]
}

@test "results and report are told what stage 1 allows, and are made again if it changes" {
    asr
    [ "$(grep -c -- "^show-results .*--leaks data/train_leaks.json" "${CALLS}")" -eq 2 ]
    grep -q -- "^make-report .*--leaks data/train_leaks.json" "${CALLS}"
    : > "${CALLS}"
    echo "other" > data/train_leaks.json
    asr --stage score
    [ "$(calls show-results)" -eq 2 ]
    [ "$(calls make-report)" -eq 1 ]
    [ "$(calls score-text)" -eq 0 ]
}

@test "the report is made again if its folder of files is gone" {
    sed -i 's/report.html report.png ;;/report.html report.png\n        make_files exp\/report_files\/0a a.js ;;/' \
        "${PATH%%:*}/hamzaban"
    asr
    : > "${CALLS}"
    asr --stage report
    [ "$(calls make-report)" -eq 0 ]
    rm -r exp/report_files
    asr --stage report
    [ "$(calls make-report)" -eq 1 ]
}

@test "a language model is trained, tuned on valid, and used" {
    printf 'word: {order: 2}\n' > conf/lm.yaml
    printf 'search: lexicon\n' > conf/decode_lexicon.yaml
    echo "some words" > "lm.txt"
    lm=(--lm_config conf/lm.yaml --lm_text lm.txt)
    asr "${lm[@]}" --inference_config "conf/decode_greedy.yaml conf/decode_lexicon.yaml"
    grep -q "^train-lm .*--lm_text lm.txt" "${CALLS}"
    [ "$(calls make-emissions)" -eq 1 ]
    [ "$(calls tune-decoder)" -eq 2 ]
    [ "$(calls decode-asr)" -eq 6 ]
    exp=exp/asr_train_ctc_raw_ar_bpe30
    grep -q "^decode-asr .*--lm_dir exp/lm_lm_ar_bpe30 --inference_config \
conf/decode_lexicon.yaml --weights ${exp}/decode_lexicon/tuned/weights.yaml \
--confidence ${exp}/decode_lexicon/confidence.yaml \
--emissions_dir ${exp}/emissions/test --data_dir dump/raw/test" "${CALLS}"
    [ -f "${exp}/decode_lexicon/test/score_wer/result.txt" ]
    [ -f exp/report.html ]
}

@test "the temperature of confidences is fitted on valid and used by decoding" {
    asr --stop_stage pack
    exp=exp/asr_train_ctc_raw_ar_bpe30/decode_greedy
    grep -q "^decode-asr .*--data_dir dump/raw/valid --output_dir ${exp}/tuned/valid" "${CALLS}"
    grep -q "^fit-confidence --ctm ${exp}/tuned/valid/ctm --ref dump/raw/valid/text \
--output ${exp}/confidence.yaml" "${CALLS}"
    grep -q "^decode-asr .*--confidence ${exp}/confidence.yaml --data_dir dump/raw/test" \
        "${CALLS}"
    [ "$(grep -c "^decode-asr .*--confidence" "${CALLS}")" -eq 2 ]
    grep -q "^pack-model .*--confidence ${exp}/confidence.yaml" "${CALLS}"
    : > "${CALLS}"
    echo "other confidences" > "${exp}/test/ctm"
    asr --stage score --stop_stage score
    [ "$(calls score-text)" -eq 1 ] # of the set whose calibration is measured anew
}

@test "a model of several languages is packed without a Hugging Face directory" {
    asr
    printf 'model_conf: {languages: [ar, ur]}\n' >> exp/asr_train_ctc_raw_ar_bpe30/config.yaml
    run asr --stage pack --stop_stage pack
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    [[ ${output} == *"export: left out, since"* ]]
    [ "$(calls pack-model)" -eq 1 ]
    [ "$(calls export)" -eq 0 ]
}

@test "speech mined from media joins pretraining" {
    printf 'fs: 16000\n' > conf/mine.yaml
    echo "film.mp4" > data/media.lst 2> /dev/null || { mkdir data; echo film.mp4 > data/media.lst; }
    asr --mine_config conf/mine.yaml --pretrain_config conf/pretrain.yaml --stop_stage pretrain
    grep -q "^mine-audio .*--media_list data/media.lst --output_dir dump/unlabelled" "${CALLS}"
    grep -q "^combine-data .*dump/raw/train dump/raw/unlabelled dump/unlabelled$" "${CALLS}"
}

@test "media are checked on each run, and an unchanged result reruns nothing" {
    mkdir data
    echo "films" > data/media.lst
    printf 'output: flac\n' > conf/mine.yaml
    mine=(--mine_config conf/mine.yaml --pretrain_config conf/pretrain.yaml)
    asr "${mine[@]}" --stop_stage pretrain
    asr "${mine[@]}" --stop_stage pretrain
    [ "$(calls mine-audio)" -eq 2 ]
    [ "$(calls combine-data)" -eq 1 ]
    [ "$(calls train-ssl)" -eq 1 ]
}

@test "spans of media are refused before anything runs, where pretraining is to read them" {
    printf 'output: segments\n' > conf/spans.yaml
    printf 'base: spans.yaml\nfs: 16000\n' > conf/mine.yaml
    fails_with "conf/mine.yaml: output is segments, expected flac: stage 4 reads" \
        "--mine_config conf/mine.yaml --pretrain_config conf/pretrain.yaml"
    [ ! -s "${CALLS}" ]
    mkdir data
    echo "films" > data/media.lst
    asr --mine_config conf/mine.yaml --stage mine --stop_stage mine
    [ "$(calls mine-audio)" -eq 1 ]
}

@test "each way to begin training has a folder of its own" {
    seed=downloads/seed/wav2vec2.pt
    asr --test_sets test
    asr --test_sets test --pretrain_init "${seed}"
    asr --test_sets test --pretrain_init "${seed}" --pretrain_config conf/pretrain.yaml
    asr --test_sets test --pretrain_init "${seed}" --token_type char
    [ "$(calls data.sh)" -eq 1 ]
    [ "$(calls collect-stats)" -eq 4 ]
    exp=exp/asr_train_ctc_raw_ar
    for dir in "${exp}"_{bpe30,bpe30_init_seed,bpe30_ssl_pretrain_raw_ar_init_seed} \
        "${exp}_char_init_seed" exp/{asr_stats_raw_ar_{bpe30,char},ssl_pretrain_raw_ar_init_seed}; do
        [ -d "${dir}" ] || { echo "${dir} is missing"; return 1; }
    done
    [ "$(find exp -mindepth 1 -maxdepth 1 -type d | wc -l)" -eq 8 ]
    grep "^train-asr" "${CALLS}" > trained
    [[ $(sed -n 1p trained) != *--ssl_checkpoint* ]]
    [[ $(sed -n 2p trained) == *"--ssl_checkpoint ${seed} "* ]]
    [[ $(sed -n 3p trained) == *"--ssl_checkpoint exp/ssl_pretrain_raw_ar_init_seed/wav2vec2.pt "* ]]
    [[ $(sed -n 4p trained) != *bpe* ]]
    grep -q "^train-ssl .*--init_checkpoint ${seed} " "${CALLS}"
    # exp/RESULTS.md tells of all of them.
    [ "$(grep -o "${exp}_[a-z0-9_]*" exp/RESULTS.md | wc -l)" -eq 4 ]
}

@test "a change runs only the steps that depend on it" {
    asr --stop_stage train
    : > "${CALLS}"
    echo "train1 other words" > data/train/text
    echo "valid1 valid" > data/valid/text # the same as before
    run asr --stage audio
    [ "${status}" -eq 0 ]
    [ "$(calls format-audio)" -eq 1 ]
    [[ ${output} == *"audio: dump/raw/train: input data/train/text has changed"* ]]
    : > "${CALLS}"
    echo "max_epoch: 2" > conf/train_ctc.yaml
    run asr --stop_stage train
    [ "$(calls train-asr)" -eq 1 ]
    [ "$(calls make-tokens)" -eq 0 ]
    [ -f exp/set_aside/asr_train_ctc_raw_ar_bpe30.1/config.yaml ]
    : > "${CALLS}"
    run asr --stop_stage train --nj 3 # only changes the speed
    [ ! -s "${CALLS}" ]
    run asr --stop_stage tokens --nbpe 31
    [ "$(calls make-tokens)" -eq 1 ]
    [ "$(calls format-audio)" -eq 0 ]
}

@test "a file that the options of data.sh name is an input of the data" {
    mkdir -p texts/folder
    echo "a line" > texts/fa.txt
    echo "a line" > texts/ur.txt
    data() {
        asr --stop_stage data --local_data_opts \
            "--lang ar fa=texts/fa.txt --more texts/ur.txt --to texts/folder --not none.txt"
    }
    data
    touch texts/folder/new
    data
    [ "$(calls data.sh)" -eq 1 ]
    for name in fa ur; do
        echo "another" >> "texts/${name}.txt"
        : > "${CALLS}"
        data
        [ "$(calls data.sh)" -eq 1 ] || { echo "${name} is not an input"; return 1; }
    done
}

@test "a removed or shortened output is made again" {
    asr --stop_stage tokens
    : > "${CALLS}"
    rm data/ar_token_list/bpe_unigram30/bpe.model
    : > dump/raw/valid/utt2num_samples
    run asr --stop_stage tokens
    [ "${status}" -eq 0 ]
    [ "$(calls make-tokens)" -eq 1 ]
    [ "$(calls format-audio)" -eq 1 ]
}

@test "a failing step stops the run, shows its log, and is run again" {
    FAIL=train-asr run asr
    [ "${status}" -eq 1 ]
    [[ ${output} == *"| fails on purpose"* ]]
    [[ ${output} == *"ended with status 3"*"/train.log"* ]]
    [ "$(calls decode-asr)" -eq 0 ]
    run asr --stop_stage train
    [ "${status}" -eq 0 ]
    [[ ${output} == *"was begun and not finished"* ]]
    [ "$(calls train-asr)" -eq 2 ]
    [ "$(calls make-tokens)" -eq 1 ]
    [ -f exp/asr_train_ctc_raw_ar_bpe30/train.log.1 ]
    [ ! -e exp/set_aside ]
}

@test "killed in training, nothing is left running, and the next run goes on" {
    TRAINING_S=3600.125 asr > /dev/null 2>&1 &
    pid=$!
    for _ in $(seq 3000); do
        ! pgrep -f "sleep 3600.125" > /dev/null || break
        sleep 0.1
    done
    pkill -KILL -P "${pid}" # asr.sh itself
    wait "${pid}" || true
    for _ in $(seq 3000); do
        pgrep -f "sleep 3600.125" > /dev/null || break
        sleep 0.1
    done
    run pgrep -f "sleep 3600.125"
    [ "${status}" -ne 0 ]
    run asr --stop_stage train
    [ "${status}" -eq 0 ]
    [ "$(calls train-asr)" -eq 2 ]
    [ "$(calls data.sh)" -eq 1 ]
}

@test "stages are chosen by number and by name" {
    run asr --stage 1 --stop_stage audio --skip_stages "data"
    [ "${status}" -eq 1 ] # data/ is not there
    [[ ${output} == *"Stage 1 (data) is skipped"* ]]
    [[ ${output} == *"step audio: input data/train: there is no such file"* ]]
    asr --stop-stage 1
    run asr --stage audio --stop-stage 2
    [ "${status}" -eq 0 ]
    [ "$(calls make-tokens)" -eq 0 ]
    run asr --stage tokens --stop_stage tokens
    [ "${status}" -eq 0 ]
    [ "$(calls make-tokens)" -eq 1 ]
}

@test "rounds of pseudo-labels run if their YAML is given, on the stage before" {
    run asr --stop_stage pseudo
    [[ ${output} == *"Stage 11 (pseudo) is skipped: no --pseudo_config is given"* ]]
    : > sentences
    pseudo() {
        run asr --stage pseudo --stop_stage pseudo "$@"
    }
    printf 'options: {text: sentences, rounds: 0}\n' > conf/pseudo.yaml
    pseudo --pseudo_config conf/pseudo.yaml
    [ "${status}" -eq 1 ]
    [[ ${output} == *"pseudo.sh: --data_dir is needed"* ]] # asr.sh gave the others
    pseudo --pseudo_config "conf/pseudo.yaml data_dir=nowhere"
    [[ ${output} == *"pseudo.sh: --asr_config is needed"* ]]
    pseudo --pseudo_config "conf/pseudo.yaml data_dir=nowhere asr_config=conf/train_ctc.yaml lm_dir=."
    [[ ${output} == *"pseudo.sh: --data_dir nowhere: no such file"* ]]
    pseudo --pseudo_config "conf/pseudo.yaml rounds"
    [ "${status}" -eq 1 ]
    [[ ${output} == *"'rounds' after conf/pseudo.yaml: expected NAME=VALUE"* ]]
}

@test "--pseudo_args still works, and names the option that replaces it" {
    : > sentences
    pseudo() {
        run asr --stage pseudo --stop_stage pseudo --pseudo_args "$1"
        [ "${status}" -eq 1 ]
    }
    pseudo "--text sentences --data_dir . --lm_dir . --asr_config conf/train_ctc.yaml \
        --test_dirs x --inference_config 'no file'"
    [[ ${output} == *"write these options into the YAML of --pseudo_config"* ]]
    [[ ${output} == *"pseudo.sh: no: no such file"* ]] # quotes make one word
    pseudo "--text 'sentences"
    [[ ${output} == *"unmatched single quote"* ]]
}

@test "the report shows the rounds, wherever they are, and is made again with them" {
    asr --stop_stage score
    mkdir -p "exp/my rounds"
    touch "exp/my rounds"/{rounds.tsv,status.json}
    report() {
        : > "${CALLS}"
        asr --stage report --stop_stage report "$@"
    }
    report
    [ "$(grep -c -- "--pseudo_exp" "${CALLS}")" -eq 0 ]
    words=(--pseudo_args "--pseudo_exp exp/other --pseudo-exp 'exp/my rounds' --rounds 1")
    report "${words[@]}"
    grep -q "^make-report .*--pseudo_exp exp/my rounds --raw_dir" "${CALLS}"
    report "${words[@]}"
    [ "$(calls make-report)" -eq 0 ]
    printf 'hours\twer\n' > "exp/my rounds/hours.tsv"
    report "${words[@]}"
    [ "$(calls make-report)" -eq 1 ]
}

@test "a wrong stage is one clear line" {
    while IFS="|" read -r words message; do
        fails_with "${message}" "${words}"
    done << 'END'
--stage 14|stage '14' is unknown; known: 1 data, 2 audio
--skip_stages 14|stage '14' is unknown
--stage 0x1|stage '0x1' is unknown
--stage score --stop_stage 2|stage 10 is after stop_stage 2
END
}

@test "wrong options are one clear line" {
    while IFS="|" read -r words message; do
        fails_with "${message}" "${words}"
    done << 'END'
--train_set valid|train_set and valid_set are both valid
--test_sets train|train_set train is in test_sets
--asr_config conf/none.yaml|--asr_config conf/none.yaml: no such file
--token_type word|--token_type is 'word', expected bpe or char
--pretrain_init none.pt|--pretrain_init none.pt: no such file
--cleaner arabic|--cleaner is 'arabic', expected auto, none, or hamzaban/
--lm_config conf/none.yaml|--lm_config conf/none.yaml: no such file
extra|'extra' is not an option
END
    run asr --test_sets ""
    [[ ${output} == *"--test_sets is needed"* ]]
}

@test "--help lists every stage that exists, and at most 32 options" {
    run ./asr.sh --help
    [ "${status}" -eq 0 ]
    while read -r _ _ number name _; do
        [[ ${output} =~ (^|$'\n')\ *${number}\ ${name%;}\ .*-\> ]]
    done < <(grep "^if stage" asr.sh)
    [ "$(grep -c "^  --" <<< "${output}")" -le 32 ]
    [ "$(wc -l < "${ROOT}/local/asr.sh")" -le 300 ]
    [[ ${output} == *"Usage: ./asr.sh "* ]]
}

@test "a stage that is done says so and runs no command" {
    asr --stop_stage tokens
    : > "${CALLS}"
    run asr --stage tokens --stop_stage tokens
    [ "${status}" -eq 0 ]
    [[ ${output} == *"is up to date"* ]]
    [ ! -s "${CALLS}" ]
}

@test "looking whether a stage is done imports no package for arrays or models" {
    asr --stop_stage tokens
    PYTHONPROFILEIMPORTTIME=1 asr --stage tokens --stop_stage tokens 2> imported
    grep -q "hamzaban.launch" imported
    run grep -E "\| +(numpy|torch|espnet2|sentencepiece)$" imported
    [ "${status}" -eq 1 ]
}

@test "marks of sounds are treated in the same way in all text" {
    asr
    grep -q "^normalize-data .*--marks drop data/train data/train" "${CALLS}"
    grep -q "^score-text .*--lang ar --marks drop" "${CALLS}"
    : > "${CALLS}"
    printf 'word: {order: 2}\n' > conf/lm.yaml
    asr --marks keep --lm_config conf/lm.yaml
    grep -q "^normalize-data .*--marks keep data/train data/train" "${CALLS}"
    grep -q "^train-lm .*--marks keep" "${CALLS}"
    grep -q "^score-text .*--lang ar --marks keep" "${CALLS}"
    run asr --marks kept
    [ "${status}" -eq 1 ]
    [[ ${output} == *"--marks is 'kept', expected drop, keep, refuse or text"* ]]
}

@test "a checkpoint may lie in a folder with a space" {
    mkdir "a folder" && cp downloads/seed/wav2vec2.pt "a folder/é.pt"
    run asr --pretrain_init "a folder/é.pt"
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    grep -q "^train-asr .*--ssl_checkpoint a folder/é.pt" "${CALLS}"
    run asr --pretrain_init "no folder/é.pt"
    [ "${status}" -eq 1 ]
    [[ ${output} == *"--pretrain_init no folder/é.pt: no such file" ]]
}

@test "a checkpoint on the hub is fetched, and folders are named after it" {
    run asr --pretrain_init owner/tiny@v1
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    grep -q "^fetch owner/tiny@v1$" "${CALLS}"
    grep -q "^train-asr .*--ssl_checkpoint ${PWD}/cache/sha" "${CALLS}"
    [[ $(echo exp/asr_*_init_tiny@v1) != *"*"* ]]
    run asr --pretrain_init owner/tiny@v1
    [ "$(calls train-asr)" -eq 1 ]
    run asr --pretrain_config conf/pretrain.yaml --pretrain_init owner/tiny
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    grep -q "^train-ssl .*${PWD}/cache/sha" "${CALLS}"
    [ "$(grep -c "^train-asr .*--ssl_checkpoint exp/ssl_.*/wav2vec2.pt" "${CALLS}")" -eq 1 ]
}

@test "nothing is fetched by a dry run, for other stages, or for a missing local file" {
    run asr --pretrain_init owner/tiny --dry_run true
    [ "${status}" -eq 0 ]
    [[ ${output} == *"--ssl_checkpoint owner/tiny"* ]] || { echo "${output}"; return 1; }
    run asr --pretrain_init owner/tiny --stop_stage audio
    [ "${status}" -eq 0 ]
    run asr --pretrain_init downloads/none
    [ "${status}" -eq 1 ]
    [[ ${output} == *"--pretrain_init downloads/none: no such file" ]]
    [ "$(calls fetch)" -eq 0 ]
}

@test "a checkpoint that the hub does not give ends the run before stage 1" {
    FAIL=fetch run asr --pretrain_init owner/tiny
    [ "${status}" -ne 0 ]
    [ "$(calls normalize-data)" -eq 0 ]
}

@test "options for training may stand on several lines" {
    asr --stop_stage train --asr_args $'--max_epoch 2\n  --seed 3'
    grep -q "^train-asr .*--max_epoch 2 --seed 3$" "${CALLS}"
    [ -f "$(echo exp/asr_*max_epoch2_seed3)/config.yaml" ]
}

@test "a language model made elsewhere takes the place of one that is trained" {
    printf '\\data\\\nngram 1=1\n\n\\1-grams:\n-1\tneno\n\n\\end\\\n' > own.arpa
    printf 'search: lexicon\n' > conf/decode_lexicon.yaml
    asr --lm own.arpa --inference_config conf/decode_lexicon.yaml
    grep -q "^train-lm --lm own.arpa --token_list data/ar_token_list/bpe_unigram30/tokens.txt \
--output_dir exp/lm_own_ar_bpe30 .*--bpemodel .*--valid_text dump/raw/valid/text" "${CALLS}"
    grep -q "^tune-decoder .*--lm_dir exp/lm_own_ar_bpe30 " "${CALLS}"
    grep -q "^decode-asr .*--lm_dir exp/lm_own_ar_bpe30 " "${CALLS}"
    : > "${CALLS}"
    asr --lm own.arpa --inference_config conf/decode_lexicon.yaml
    [ ! -s "${CALLS}" ]
}

@test "options that cannot work together end the run before its first stage" {
    first() { # message option...
        run asr "${@:2}"
        [ "${status}" -eq 1 ]
        [ "${#lines[@]}" -eq 1 ]
        [[ ${output} == *"$1"* ]] || { echo "${output}"; return 1; }
        [ ! -s "${CALLS}" ]
        [ ! -d data ]
    }
    printf 'word: {order: 2}\n' > conf/lm.yaml
    printf 'search: token\n' > conf/decode_token.yaml
    first "needs a language model of unit bpe, but conf/lm.yaml has word" \
        --lm_config conf/lm.yaml --inference_config conf/decode_token.yaml
    first "but neither --lm_config nor --lm is given" --inference_config conf/decode_token.yaml
    printf 'frontend_conf: {freeze: [feature_extractor]}\n' > conf/train_ctc.yaml
    first "there is no checkpoint" --asr_args "--max_epoch 2"
    first "--lm none.arpa: no such file" --lm none.arpa
    export CUDA_VISIBLE_DEVICES=""
    first "--ngpu is 1, but this machine shows 0 GPUs" --ngpu 1
    run asr --ngpu 1 --dry_run true --pretrain_init downloads/seed/wav2vec2.pt
    [ "${status}" -eq 0 ]
    printf 'cuda_cmd=(hamzaban run-jobs --backend far)\n' > cmd.sh
    run asr --ngpu 1 --stop_stage data
    [ "${status}" -eq 0 ]
}
