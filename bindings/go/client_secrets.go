// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"context"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// CardType is the only type of client secret that the service knows, and its default.
const CardType = "CARD"

// ClientSecrets makes client secrets: see [Client.ClientSecrets].
type ClientSecrets struct{ handle *handle }

// Payer says who a client secret is for.
type Payer struct {
	ID string // a UUID
}

// ClientSecretParams is what a client secret can be asked for with. Everything is optional: what is "" or nil is left out, never sent empty.
type ClientSecretParams struct {
	Payer           *Payer // who the secret is for
	Type            string // what it tokenizes: [CardType]
	TraceID         string // a UUID of version 4, which follows the call through the service's logs; without one the library makes one
	UserAgent       string // the end user's User-Agent; without one the library sends its own
	EndUserDeviceID string // unique id of the end user's browser or device; recommended for compliance
	EndUserIP       string // the end user's IPv4 or IPv6 address; recommended for compliance
	CallOptions
}

// CallOptions is what every call can be given.
type CallOptions struct {
	Extra        map[string]any // members of the body that the library does not know; anything that encoding/json takes
	Headers      []Header       // further headers
	Timeout      time.Duration  // deadline of this call in place of the option timeout_ms; 0: that option; [NoTimeout]: none
	MaxRepeats   int            // in place of the option max_repeats; 0: that option; [NoRepeats]: none
	WantAttempts bool           // success tells of its attempts too; a failure always does
	Hook         Hook           // is told of this call, after the client's own hooks
}

// Header is a further header of a request.
type Header struct {
	Name      string
	Value     string
	Sensitive bool // never reaches a log, a hook or an error
}

const (
	// NoTimeout as [CallOptions.Timeout], or to [WithTimeout]: the call may take any time, within the limits for connecting and for silence. Other
	// negative durations are refused, because they come from a deadline that has passed.
	NoTimeout time.Duration = -1
	// NoRepeats as [CallOptions.MaxRepeats]: the call is made once.
	NoRepeats = -1
)

// ClientSecret is a client secret that was made, and how that went. Close it.
type ClientSecret struct {
	*Secret              // the secret itself
	TraceID    string    // the trace id that the service answered with
	HTTPStatus int       // 200 or 201
	Attempts   []Attempt // if they were asked for
}

// Create makes a client secret that lives 60 seconds and works once. It is handed to the buyer's browser, which tokenizes a card with it.
// params may be nil.
//
// The context cancels the call, and its deadline is the call's. How a call ends then, and how it fails, is told at [Client.Do].
func (s *ClientSecrets) Create(ctx context.Context, params *ClientSecretParams) (*ClientSecret, error) {
	return s.create(ctx, "client_secrets.create", params)
}

// CreateV2 makes one as [ClientSecrets.Create] does, by the later variant of the call: it lives 30 minutes.
func (s *ClientSecrets) CreateV2(ctx context.Context, params *ClientSecretParams) (*ClientSecret, error) {
	return s.create(ctx, "client_secrets.create_v2", params)
}

func (s *ClientSecrets) create(ctx context.Context, operation string, params *ClientSecretParams) (*ClientSecret, error) {
	if params == nil {
		params = &ClientSecretParams{}
	}
	if s == nil || s.handle == nil {
		return nil, notMade("ClientSecrets")
	}
	answer, err := s.handle.do(ctx, operation, params, &params.CallOptions)
	if err != nil {
		return nil, err
	}
	secret := answer.secret("client_secret")
	if secret == nil { // a library that answers well always hands one over
		answer.drop()
		return nil, localError(StatusInternal, "client_secret", "the library's reply has no client secret")
	}
	return &ClientSecret{Secret: secret, TraceID: answer.traceID, HTTPStatus: answer.httpStatus, Attempts: answer.attempts}, nil
}

// appendParams writes the value of `params`.
func (p *ClientSecretParams) appendParams(to []byte) ([]byte, error) {
	fields := [...]struct{ name, value string }{
		{"type", p.Type}, {"trace_id", p.TraceID}, {"user_agent", p.UserAgent}, {"end_user_device_id", p.EndUserDeviceID},
		{"end_user_ip", p.EndUserIP},
	}
	count := uint32(0)
	for _, field := range fields {
		if field.value != "" {
			count++
		}
	}
	if p.Payer != nil {
		count++
	}
	to = msgp.AppendMapHeader(to, count)
	if p.Payer != nil { // its id is required: an empty one is for the library to refuse
		to = msgp.AppendString(msgp.AppendString(to, "payer.id"), p.Payer.ID)
	}
	for _, field := range fields {
		if field.value != "" {
			to = msgp.AppendString(msgp.AppendString(to, field.name), field.value)
		}
	}
	return to, nil
}
