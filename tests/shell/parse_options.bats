#!/usr/bin/env bats
# Options of scripts: local/parse_options.sh and log.sh.

load helpers

setup() {
    script="${BATS_TEST_TMPDIR}/script.sh"
    cat > "${script}" << END
#!/usr/bin/env bash
set -euo pipefail
nj=4
train_set=""
use_lm=false
readonly fixed=1
list=(a b)
help_message="Usage: script.sh: the help"
. "${ROOT}/local/parse_options.sh"
printf '[%s]' "\${nj}" "\${train_set}" "\${use_lm}" "\$@"
END
}

fails_with() { # message word...: one line, exit 1
    run bash "${script}" "${@:2}"
    [ "${status}" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ ${output} == "script.sh: "*"$1"* ]] || { echo "${output}"; return 1; }
}

@test "defaults hold where no option is given" {
    run bash "${script}"
    [ "${output}" = "[4][][false]" ]
}

@test "values are set, dashes equal underscores, the last one counts" {
    run bash "${script}" --nj 8 --train-set "a b" --use_lm true --nj 9
    [ "${output}" = "[9][a b][true]" ]
}

@test "a value may be empty, begin with dashes, or hold any character" {
    # shellcheck disable=SC2016  # nothing is to be expanded
    value='--max_epoch 2 --x "$(id)" ک'
    run bash "${script}" --train_set "${value}"
    [ "${output}" = "[4][${value}][false]" ]
    run bash "${script}" --train_set ""
    [ "${output}" = "[4][][false]" ]
}

@test "parsing ends at -- and at the first word that is not an option" {
    run bash "${script}" --nj 1 -- --nj 2
    [ "${output}" = "[1][][false][--nj][2]" ]
    run bash "${script}" word --nj 2
    [ "${output}" = "[4][][false][word][--nj][2]" ]
}

@test "--help and -h show the help" {
    for word in --help -h; do
        run bash "${script}" --nj 2 "${word}"
        [ "${status}" -eq 0 ]
        [ "${output}" = "Usage: script.sh: the help" ]
    done
}

@test "--help lists the options, each with all lines of its comment" {
    cat > "${script}" << END
#!/usr/bin/env bash
set -euo pipefail
nj=4       # how many
           # at once
hidden=""
name="a b" # what it is called
rest=()    # options of another program
count=\$((2 + 1)) # a number

           # not a part of the option before
help_message="Options and their defaults:"
other=1    # not an option: it comes after the help
. "${ROOT}/local/parse_options.sh"
printf '[%s]' "\${rest[@]}"
END
    run bash "${script}" --help
    # shellcheck disable=SC2016
    [ "${output}" = 'Options and their defaults:
  --nj 4       # how many
               # at once
  --name "a b" # what it is called
  --count $((2 + 1)) # a number

[--help]' ] || { echo "${output}"; return 1; }
}

@test "--help shows the values that were given before it" {
    cat > "${script}" << END
#!/usr/bin/env bash
set -euo pipefail
nj=4          # how many
              # at once
expdir=exp    # where
title=""      # what it is called
help_message="Options and their defaults:"
. "${ROOT}/local/parse_options.sh"
END
    run bash "${script}" --nj 12 --title "a   b " --help --expdir ignored
    [ "${output}" = 'Options and their defaults:
  --nj 12         # how many
                  # at once
  --expdir exp    # where
  --title "a b"   # what it is called' ] || { echo "${output}"; return 1; }
}

@test "unknown options are kept for the next program, which shows its help as well" {
    # shellcheck disable=SC2016  # the script expands these
    sed -i 's/^list=.*/rest=()/; s/"$@"$/"${rest[@]}" -- "$@"/' "${script}"
    run bash "${script}" --other-one "a b" --nj 2 --more "" word --nj 3
    [ "${status}" -eq 0 ] || { echo "${output}"; return 1; }
    [ "${output}" = "[2][][false][--other_one][a b][--more][][--][word][--nj][3]" ]
    run bash "${script}" --help
    [ "${lines[0]}" = "Usage: script.sh: the help" ]
    [ "${lines[-1]}" = "[4][][false][--help][--]" ]
    fails_with "option --other has no value" --nj 2 --other
    fails_with "option --other has no value, option --nj follows" --other --nj 2
}

@test "messages name what was typed, also where one script becomes another" {
    HAMZABAN_PROGRAM=./run.sh run bash "${script}" --nk 3
    [[ ${output} == "run.sh: option --nk is unknown"* ]]
}

@test "an unknown option is an error" {
    fails_with "option --nk is unknown" --nk 3
    fails_with "option --HOME is unknown" --HOME /
    fails_with "option --help-message is unknown" --help-message x
    fails_with "option --list is unknown" --list x
    fails_with "option --fixed is unknown" --fixed 2
    fails_with "option --a[0] is unknown" "--a[0]" 2
}

@test "a missing value is an error" {
    fails_with "option --nj has no value" --nj
    fails_with "option --nj has no value, option --use-lm follows" --nj --use-lm true
}

@test "--a=b is an error that shows the right form" {
    fails_with "option --nj=3: write '--nj 3'" --nj=3
    fails_with "option --x-y=a=b: write '--x_y a=b'" --x-y=a=b
}

@test "a value that is not a boolean is an error" {
    fails_with "option --use_lm is 'yes', expected true or false" --use_lm yes
    fails_with "option --use_lm is '', expected true or false" --use_lm ""
}

@test "log writes time, file and line to standard error" {
    printf '. "%s/local/log.sh"\n\nlog "two  words"\n' "${ROOT}" > "${script}"
    run bash -c "bash '${script}' 2>&1 >/dev/null"
    [[ ${output} =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\ \(script.sh:3\)\ two\ \ words$ ]]
}

@test "a number takes only digits, and no command is run" {
    for value in "" x -1 1.5 08 '1 2' 9999999999999999999; do
        fails_with "option --nj is '${value}', expected a whole number" --nj "${value}"
    done
    # shellcheck disable=SC2016  # nothing is to be expanded
    value='x[$(touch ran)]'
    fails_with "option --nj is '${value}', expected a whole number" --nj 2 --nj "${value}"
    [ ! -e ran ]
}

@test "stages may be names, hours may have a fraction, a default decides of what kind" {
    sed -i 's/^nj=4/nj=4 stage=1 valid_hours=2/' "${script}"
    run bash "${script}" --stage train --valid_hours 0.5 --train_set 5 --train_set a
    [ "${output}" = "[4][a][false]" ]
    fails_with "option --valid_hours is 'x', expected a number" --valid_hours x
}
