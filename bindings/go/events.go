// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import "time"

// Attempt is what happened one time that a request went to the transport. The last one decided how the call ended. Durations do not
// overlap; a negative one is not known, or did not happen.
type Attempt struct {
	Status        Status
	Phase         Phase // where it ended; PhaseNone on success
	Delivery      Delivery
	HTTPStatus    int  // 0: no response head came
	HTTPVersion   int  // 10, 11 or 20; 0: not known
	TLSVersion    int  // 0x0303 is TLS 1.2, 0x0304 TLS 1.3; 0: none, or not known
	Reused        bool // on a connection that was open before
	Resumed       bool // the TLS session was resumed
	Token         int  // 1: the access token, 2: the second one
	Start         time.Duration
	Wait          time.Duration // between the attempt before and this one
	Queue         time.Duration // waiting for a free connection
	Resolve       time.Duration
	Connect       time.Duration
	TLS           time.Duration
	Send          time.Duration
	FirstByte     time.Duration
	Total         time.Duration
	BytesSent     int64
	BytesReceived int64
	Peer          string // address and port, or ""
	TraceID       string
	Message       string // what went wrong, in words, or ""
}

// Event is something that happened in a call, for logs, metrics and traces. The library's table "events" lists the events, "event_fields"
// their fields. No event has a token, a secret, a header or a body. If a call had more than the library keeps, "events_lost" comes after them, with
// their "count".
type Event struct {
	Name   string         // such as "call_end"
	Time   time.Time      // when it happened
	Call   uint64         // tells the calls of a client apart
	Fields map[string]any // by name; each is an int64 or a string
}

// Int gives a field that is a number; 0 if there is none of this name.
func (e Event) Int(field string) int64 {
	number, _ := e.Fields[field].(int64)
	return number
}

// Text gives a field that is a text; "" if there is none of this name.
func (e Event) Text(field string) string {
	text, _ := e.Fields[field].(string)
	return text
}

// Duration gives a field of microseconds, such as "elapsed_us". A negative one is not known.
func (e Event) Duration(field string) time.Duration {
	return time.Duration(e.Int(field)) * time.Microsecond
}

// Hook is told of what happened in a call, in order, on the goroutine that made the call and before the call returns. If that one was given
// up (see [Client.Do]), it is told on another one. It may do anything, and may run on several goroutines at once.
type Hook func(Event)
