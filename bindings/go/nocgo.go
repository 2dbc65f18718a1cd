// SPDX-License-Identifier: MIT

//go:build !cgo

package plastiq

// The Go command prints the name below, which is the explanation.
var _ = this_package_calls_the_C_library_libplastiq__build_it_with_CGO_ENABLED_1_and_a_C_compiler
