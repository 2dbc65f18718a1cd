# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced: steps that are silent while they work, and show their log when they break.

# The folder for logs and whatever else is thrown away at the end.
steps_folder=

# Makes it, and arranges that it goes at the end, whichever way that comes. A function `steps_end`, if there is one, is called before.
steps_begin() {
  steps_folder=$(mktemp --directory) || return
  trap 'steps_clean' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

steps_clean() {
  if declare -F steps_end >/dev/null; then steps_end; fi
  rm -rf -- "$steps_folder"
}

# step NAME COMMAND [ARG ..]: runs a command, and tells how long it took. A broken one ends the program.
step() {
  local name=$1 log began=$SECONDS
  shift
  log=$steps_folder/${name//[^a-z]/-}.log
  printf '%s ... ' "$name"
  if ! "$@" >"$log" 2>&1; then
    printf 'failed\n'
    broken "$name" "$log"
  fi
  printf '%d s\n' $((SECONDS - began))
}

# broken NAME LOG: says what broke, shows the end of its log, and ends the program.
broken() {
  printf '\n%s failed. The end of its log:\n' "$1" >&2
  tail -n 20 -- "$2" | sed 's/^/  | /' >&2
  exit 1
}
