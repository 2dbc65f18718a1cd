# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion for bash. What can stand where, the program tells. It is asked through a pipe, because a command line that is being typed may
# hold what other users must not see, and arguments can be seen by all. It is the one on the PATH, whatever file the line names: a key
# that completes must not run a program of this folder.
_plastiq() {
  local line words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o default ;;
      :dirs) compopt -o dirnames ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <(printf '%s\n' "${words[@]//$'\n'/ }" | command plastiq complete 2>/dev/null)
}
complete -F _plastiq plastiq
