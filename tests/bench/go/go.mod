// SPDX-License-Identifier: MIT

module plastiq.example/bench

go 1.19

require plastiq.example/go v0.1.0

require (
	github.com/philhofer/fwd v1.1.2 // indirect
	github.com/tinylib/msgp v1.1.9 // indirect
)

replace plastiq.example/go => ../../../bindings/go
