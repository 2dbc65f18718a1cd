// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"context"
	"strings"
	"testing"
)

const testToken = "test-key-0000000000000000" // the one that stub and emulator know unless told otherwise

// stub makes a client that answers by itself, by a script if there is one.
func stub(t testing.TB, script string, more ...Option) *Client {
	t.Helper()
	options := []Option{WithAccessToken(testToken), WithTransport("stub"), WithAllowTestTransports(true), WithTransportPathCheck(false)}
	if script != "" {
		options = append(options, WithOption("stub.script", script))
	}
	client, err := NewClient(append(options, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func TestCreate(t *testing.T) {
	client := stub(t, "")
	secret, err := client.ClientSecrets.Create(context.Background(), &ClientSecretParams{EndUserIP: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	text, err := secret.Reveal()
	if err != nil || !strings.HasPrefix(text, "cs_test_") {
		t.Fatal(len(text), err)
	}
}
