# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced: the example in the README at the top of the tree, which is there in each language.

# readme_example LANGUAGE: its code
readme_example() {
  awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } /^```$/ { inside = 0 } inside' "$(dirname "${BASH_SOURCE[0]}")/../../README.md" | grep .
}

# readme_example_runs EMULATOR TRANSPORTS COMMAND ..: it prints a secret of the emulator over each TLS transport, by nothing but variables, and names
# the option that is wrong.
readme_example_runs() (
  emulator=$1 transports=$2
  shift 2
  folder=$(mktemp -d)
  running=
  trap '[ -z "$running" ] || kill "$running"; rm -rf "$folder"' EXIT
  "$emulator" --make-ca "$folder/ca" --ready-file "$folder/ready" --log none >/dev/null &
  running=$!
  for _ in $(seq 300); do [ -f "$folder/ready" ] && break; sleep 0.1; done
  url=$(sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "$folder/ready" | sed 's|\\/|/|g')
  export PLASTIQ_TRANSPORT_DIR=$transports PLASTIQ_ACCESS_TOKEN=test-key-0000000000000000 PLASTIQ_CA_FILE=$folder/ca/ca.pem
  for transport in curl openssl; do
    PLASTIQ_BASE_URL=$url PLASTIQ_TRANSPORT=$transport timeout 60 "$@" >"$folder/out" 2>&1 && grep -q '^cs_test_' "$folder/out" && continue
    echo "the README's example over $transport: $(cat "$folder/out")" >&2
    return 1
  done
  if PLASTIQ_BASE_URL=ftp://127.0.0.1/api timeout 60 "$@" >"$folder/out" 2>&1; then return 1; fi
  grep -q 'base_url' "$folder/out" && return 0
  echo "the README's example does not tell what is wrong: $(cat "$folder/out")" >&2
  return 1
)
