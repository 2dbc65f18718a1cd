// SPDX-License-Identifier: MIT

//go:build tools

// Package tools pins the programs that tests/bindings/go.sh runs.
package tools

import _ "honnef.co/go/tools/cmd/staticcheck"
