// SPDX-License-Identifier: MIT

// Package plastiq makes client secrets over the Plastiq Public API. It calls the C library libplastiq, which must be installed.
//
// A server asks for a client secret with its API key and hands it to a buyer's browser, which tokenizes a card with it:
//
//	client, err := plastiq.NewClient(plastiq.WithAccessToken(token))
//	...
//	defer client.Close()
//	secret, err := client.ClientSecrets.Create(ctx, &plastiq.ClientSecretParams{EndUserIP: "192.0.2.1"})
//	...
//	defer secret.Close()
//	text, err := secret.Reveal()
//
// A [Client] may be used by any number of goroutines. Its calls hold no thread: one goroutine does the I/O of all of them when Go's poller
// tells that there is something to do. Every failure is an [*Error]; ask for a [Kind] or a [Status] by [errors.Is].
//
// Options come from code, from PLASTIQ_ variables, or from a file; PLASTIQ_TRANSPORT alone swaps the transport of a program that is built
// already.
//
// The package is unofficial: not affiliated with Plastiq.
package plastiq
