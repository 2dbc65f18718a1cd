// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// FuzzReply: whatever bytes come for a reply, reading them ends in an answer or an error.
func FuzzReply(f *testing.F) {
	q := stub(f, `[{"status": 400, "body": "{\"code\": \"X\", \"errors\": [{\"details\": \"d\"}]}"}]`).handle.queues[0]
	for _, params := range []ClientSecretParams{{}, {TraceID: "x"}} {
		params.WantAttempts = true
		c := callPool.Get().(*call)
		q.room <- struct{}{}
		c.request, _ = appendMessage(c.request[:0], "client_secrets.create", &params, &params.CallOptions, false, true)
		if status := q.submit(c); status != StatusOK {
			f.Fatal(status)
		}
		<-c.done
		f.Add(append([]byte{}, c.reply...))
	}
	f.Add([]byte{0x80})
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte("\x81\xa7results\x81\xadclient_secret\x81\xa6handle\x07"))
	f.Add(append([]byte("\x81\xa1x"), []byte(strings.Repeat("\x91", 200))...))
	f.Fuzz(func(t *testing.T, reply []byte) {
		read, err := readAnswer(reply)
		if (read == nil) == (err == nil) {
			t.Fatal(read, err)
		}
		if read != nil {
			read.drop()
		} else if !errors.Is(err, StatusInternal) {
			t.Fatal(err)
		}
	})
}

// FuzzRequest: whatever a caller says, the library gets msgpack that it can read, and the call ends in a secret or an *Error that does not show what
// is sensitive.
func FuzzRequest(f *testing.F) {
	client := stub(f, "")
	f.Add("CARD", "7b0c2a4e-9d1f-4b6a-8c3e-5f7a9b1c3d5e", "agent", "192.0.2.1", "X-Test", "value", `{"a": [1, 2.5, null, {"b": "c"}]}`, int64(1000), 1)
	f.Add("", "", "", "", "", "", `{}`, int64(0), 0)
	f.Add("\xff", "\x00", "\r\n", "::1", "Host", "\x7f", `{"payer": {"id": 1}}`, int64(-1), -1)
	f.Fuzz(func(t *testing.T, kind, trace, agent, ip, name, value, extra string, timeout int64, repeats int) {
		const mark = "test-private-fuzz-value"
		params := &ClientSecretParams{Type: kind, TraceID: trace, UserAgent: agent, EndUserIP: ip, CallOptions: CallOptions{
			Headers: []Header{{name, value, false}, {"X-Private", mark + value, true}}, MaxRepeats: repeats}}
		if json.Unmarshal([]byte(extra), &params.Extra) != nil {
			params.Extra = nil
		}
		message, err := appendMessage(nil, "client_secrets.create", params, &params.CallOptions, true, true)
		if err == nil {
			message = appendTimeout(message, timeout)
			if rest, err := msgp.Skip(message); err != nil || len(rest) != 0 {
				t.Fatal("no msgpack", err, len(rest))
			}
		}
		made, err := client.ClientSecrets.Create(background, params)
		if (made == nil) == (err == nil) {
			t.Fatal(made, err)
		}
		if made != nil {
			_ = made.Close()
			return
		}
		var failure *Error
		if !errors.As(err, &failure) || failure.Kind == KindInternal || errors.Is(err, StatusMessage) || strings.Contains(err.Error(), mark) {
			t.Fatalf("%+v", err)
		}
	})
}
