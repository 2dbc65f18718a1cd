// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"encoding/json"
	"strings"
	"time"
)

// Status says exactly what went wrong. It is a number of the library, kind * 1000 + detail, and never reused; branch on the [Kind] where
// you do not need to know that much. A Status is an error, for [errors.Is]:
//
//	if errors.Is(err, plastiq.StatusHTTPUnauthorized) { ... }
type Status int32

// Error gives the status's name, as String does: it is there so that a Status can be asked for by [errors.Is].
func (s Status) Error() string { return s.String() }

// String gives the name that the library's headers have for the status, such as PLQ_E_TIMEOUT_TOTAL.
func (s Status) String() string { return statusName(s) }

// Text says in a few words what the status means.
func (s Status) Text() string { return statusText(s) }

// Kind tells the status's kind, also of a status that this package does not know.
func (s Status) Kind() Kind { return statusKind(s) }

// Kind is the sort of a failure: what to branch on. A Kind is an error, for [errors.Is]:
//
//	if errors.Is(err, plastiq.KindTimeout) { ... }
type Kind string

// Error gives the kind's name: it is there so that a Kind can be asked for by [errors.Is].
func (k Kind) Error() string { return string(k) }

// The kinds of failures.
const (
	KindUsage       Kind = "usage"       // the library was called in a way that it does not allow
	KindConfig      Kind = "config"      // an option is missing, unknown or wrong
	KindInput       Kind = "input"       // the request breaks a rule; nothing was sent
	KindLoad        Kind = "load"        // a transport could not be loaded
	KindResolve     Kind = "resolve"     // the host name could not be resolved
	KindConnect     Kind = "connect"     // no connection could be made
	KindProxy       Kind = "proxy"       // the proxy did not let the connection through
	KindTLS         Kind = "tls"         // the TLS handshake failed
	KindVerify      Kind = "verify"      // the server could not prove who it is
	KindIO          Kind = "io"          // the connection was lost
	KindTruncated   Kind = "truncated"   // the response ended before it was complete
	KindTimeout     Kind = "timeout"     // time ran out
	KindProtocol    Kind = "protocol"    // the response breaks a rule of HTTP or of the API
	KindLimit       Kind = "limit"       // the response is larger than allowed
	KindHTTP        Kind = "http"        // the service answered with an error
	KindCancelled   Kind = "cancelled"   // the context was cancelled, or the client closed
	KindResource    Kind = "resource"    // the system lacks a resource
	KindMemory      Kind = "memory"      // out of memory
	KindState       Kind = "state"       // the client or the secret is not in a state that allows this, for instance closed
	KindUnsupported Kind = "unsupported" // the chosen parts cannot do this
	KindSecret      Kind = "secret"      // the secret has expired, or was taken before
	KindInternal    Kind = "internal"    // a defect in the library or in a transport
)

// Phase is where in a call something happened.
type Phase string

// The phases of a call.
const (
	PhaseNone    Phase = ""        // no phase applies
	PhaseConfig  Phase = "config"  // reading options, building the request
	PhaseLoad    Phase = "load"    // loading the transport
	PhaseResolve Phase = "resolve" // looking up the host name
	PhaseConnect Phase = "connect" // opening the connection
	PhaseProxy   Phase = "proxy"   // asking the proxy for a tunnel
	PhaseTLS     Phase = "tls"     // TLS handshake and verification
	PhaseSend    Phase = "send"    // sending the request
	PhaseWait    Phase = "wait"    // waiting for the first byte of the response
	PhaseReceive Phase = "receive" // receiving the response
	PhaseDecode  Phase = "decode"  // reading what the response says
	PhaseBackoff Phase = "backoff" // waiting before a repeat
)

// Delivery says whether the request reached the server.
type Delivery string

// What is known of a request.
const (
	NotSent   Delivery = "not_sent"   // no byte of the request left: the server cannot have seen it
	MaybeSent Delivery = "maybe_sent" // at least a byte left and no complete response came: the server may have acted
	Answered  Delivery = "answered"   // a complete response came
)

// Error is what every function of this package fails with. It holds no token, no secret and no value of a header.
//
// [errors.Is] finds its [Status] and its [Kind], and [context.Canceled] or [context.DeadlineExceeded] where the context ended the call.
type Error struct {
	Status         Status        // what went wrong
	Kind           Kind          // what sort of failure it is
	Phase          Phase         // where in the call it happened
	Delivery       Delivery      // whether the server may have seen the request: of all attempts, the strongest that is true
	Repeatable     bool          // the same call may succeed later without any change
	Message        string        // one sentence: what was wrong, and what would be right where that is known
	Field          string        // the option, field or header that was wrong (of an unknown option the nearest there is), or ""
	HTTPStatus     int           // of the last error that the service answered; 0: it answered none
	ServiceCode    string        // the service's code, such as VALIDATION_ERROR, or ""
	ServiceMessage string        // the service's message, or ""
	Details        []string      // the service's details
	TraceID        string        // the trace id that the service sent, else the one that the request carried
	RetryAfter     time.Duration // the wait that the service asked for; negative: it asked for none
	Attempts       []Attempt     // what happened each time that the request went to the transport
	Load           []LoadStep    // every place where a transport was looked for, if that was the trouble
	Operation      string        // what was called, or ""

	cause error // the context's
}

// LoadStep is one place where a transport was looked for.
type LoadStep struct {
	Path   string // the file or name that was tried
	Stage  string // how far it came: name, path, file, elf, note, dlopen, entry, descriptor, policy, create
	Reason string // what happened there, in words
}

// Error says what happened in one line.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("plastiq: ")
	if e.Operation != "" {
		text.WriteString(e.Operation + ": ")
	}
	text.WriteString(e.Status.String() + ": " + e.Message)
	if e.cause != nil {
		text.WriteString(" (" + e.cause.Error() + ")")
	}
	return text.String()
}

// Unwrap gives the context's error if the context ended the call, else nil.
func (e *Error) Unwrap() error { return e.cause }

// Is serves [errors.Is]: a [Status] or a [Kind] matches.
func (e *Error) Is(target error) bool {
	switch wanted := target.(type) {
	case Status:
		return e.Status == wanted
	case Kind:
		return e.Kind == wanted
	}
	return false
}

// Timeout tells whether time ran out, as [net.Error] has it.
func (e *Error) Timeout() bool { return e.Kind == KindTimeout }

// Temporary tells whether the same call may succeed later, as [net.Error] has it.
func (e *Error) Temporary() bool { return e.Repeatable }

// localError makes an error of something that this package noticed itself, so that nothing was sent. Without a message the status speaks.
func localError(status Status, field, message string) *Error {
	if message == "" {
		message = statusText(status)
	}
	return &Error{Status: status, Kind: statusKind(status), Phase: statusPhase(status), Delivery: NotSent, RetryAfter: -1, Field: field,
		Message: message}
}

// about names the field of an error that names none.
func about(field string, err error) error {
	if failure, ok := err.(*Error); ok && failure.Field == "" {
		failure.Field = field
	}
	return err
}

// errorFromJSON reads what plq_error_json says. There may be nothing, for lack of memory.
func errorFromJSON(status Status, text []byte) error {
	var said struct {
		Phase          Phase      `json:"phase"`
		Delivery       Delivery   `json:"delivery"`
		Repeatable     bool       `json:"repeatable"`
		Message        string     `json:"message"`
		Field          string     `json:"field"`
		HTTPStatus     int        `json:"http_status"`
		ServiceCode    string     `json:"service_code"`
		ServiceMessage string     `json:"service_message"`
		Details        []string   `json:"details"`
		TraceID        string     `json:"trace_id"`
		RetryAfterMS   *int64     `json:"retry_after_ms"`
		Load           []LoadStep `json:"load"`
	}
	failure := localError(status, "", "")
	if len(text) == 0 || json.Unmarshal(text, &said) != nil {
		return failure
	}
	failure.Phase, failure.Delivery, failure.Repeatable = said.Phase, said.Delivery, said.Repeatable
	failure.Message, failure.Field, failure.Load = said.Message, said.Field, said.Load
	failure.HTTPStatus, failure.ServiceCode, failure.ServiceMessage = said.HTTPStatus, said.ServiceCode, said.ServiceMessage
	failure.Details, failure.TraceID = said.Details, said.TraceID
	if said.RetryAfterMS != nil {
		failure.RetryAfter = time.Duration(*said.RetryAfterMS) * time.Millisecond
	}
	return failure
}
