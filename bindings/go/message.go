// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// ---- requests ----

// params writes the fields of a request.
type params interface {
	appendParams(to []byte) ([]byte, error)
}

// maxDepth is how deep a message may be nested; something that contains itself must end too.
const maxDepth = 32

// appendMessage writes a request. If it is limited, appendTimeout has to follow; otherwise the deadline is left to the client's option.
func appendMessage(to []byte, operation string, from params, options *CallOptions, limited, wantEvents bool) ([]byte, error) {
	keys := uint32(4)
	for _, more := range [...]bool{options.Extra != nil, len(options.Headers) > 0, limited, options.MaxRepeats != 0} {
		if more {
			keys++
		}
	}
	to = msgp.AppendMapHeader(to, keys)
	to = msgp.AppendInt(msgp.AppendString(to, "v"), 1)
	to = msgp.AppendString(msgp.AppendString(to, "op"), operation)
	to = msgp.AppendString(to, "params")
	to, err := from.appendParams(to)
	if err != nil {
		return to, err
	}
	if options.Extra != nil {
		if to, err = appendValue(msgp.AppendString(to, "extra"), options.Extra, 1); err != nil {
			return to, localError(StatusExtra, "extra", "extra: "+err.Error())
		}
	}
	if len(options.Headers) > 0 {
		to = appendHeaders(msgp.AppendString(to, "headers"), options.Headers)
	}
	if options.MaxRepeats != 0 {
		to = appendRepeats(msgp.AppendString(to, "max_repeats"), options.MaxRepeats)
	}
	return appendWant(msgp.AppendString(to, "want"), options.WantAttempts, wantEvents), nil
}

// appendTimeout comes last, because how much time is left is known last.
func appendTimeout(to []byte, timeoutMS int64) []byte {
	return msgp.AppendInt64(msgp.AppendString(to, "timeout_ms"), timeoutMS)
}

func appendHeaders(to []byte, headers []Header) []byte {
	to = msgp.AppendArrayHeader(to, uint32(len(headers)))
	for _, header := range headers {
		to = msgp.AppendMapHeader(to, 3)
		to = msgp.AppendString(msgp.AppendString(to, "name"), header.Name)
		to = msgp.AppendString(msgp.AppendString(to, "value"), header.Value)
		to = msgp.AppendBool(msgp.AppendString(to, "sensitive"), header.Sensitive)
	}
	return to
}

func appendRepeats(to []byte, repeats int) []byte {
	if repeats == NoRepeats {
		return msgp.AppendInt(to, 0)
	}
	return msgp.AppendInt(to, repeats)
}

// appendWant asks for a handle in place of a secret, so that its bytes never lie in a buffer of this package.
func appendWant(to []byte, attempts, events bool) []byte {
	count := uint32(1)
	if attempts {
		count++
	}
	if events {
		count++
	}
	to = msgp.AppendString(msgp.AppendArrayHeader(to, count), "secret_handle")
	if attempts {
		to = msgp.AppendString(to, "attempts")
	}
	if events {
		to = msgp.AppendString(to, "events")
	}
	return to
}

// appendValue writes whatever encoding/json takes. depth is how many levels it lies in.
func appendValue(to []byte, value any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return to, fmt.Errorf("it is nested too deeply, or contains itself")
	}
	var err error
	switch value := value.(type) {
	case nil:
		return msgp.AppendNil(to), nil
	case bool:
		return msgp.AppendBool(to, value), nil
	case string:
		return msgp.AppendString(to, value), nil
	case int:
		return msgp.AppendInt64(to, int64(value)), nil
	case int32:
		return msgp.AppendInt64(to, int64(value)), nil
	case int64:
		return msgp.AppendInt64(to, value), nil
	case uint64:
		return msgp.AppendUint64(to, value), nil
	case float64:
		return msgp.AppendFloat64(to, value), nil
	case json.Number:
		return appendNumber(to, value)
	case []any:
		if value == nil {
			return msgp.AppendNil(to), nil
		}
		to = msgp.AppendArrayHeader(to, uint32(len(value)))
		for i := 0; i < len(value) && err == nil; i++ {
			to, err = appendValue(to, value[i], depth+1)
		}
		return to, err
	case map[string]any:
		if value == nil {
			return msgp.AppendNil(to), nil
		}
		to = msgp.AppendMapHeader(to, uint32(len(value)))
		for key, member := range value {
			if to, err = appendValue(msgp.AppendString(to, key), member, depth+1); err != nil {
				return to, err
			}
		}
		return to, nil
	}
	return appendOther(to, value, depth)
}

// appendOther takes the way over JSON: it knows structs, tags, pointers and what marshals itself.
func appendOther(to []byte, value any, depth int) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return to, fmt.Errorf("a Go %T cannot be JSON", value) // its own words could quote the value
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var plain any
	if err := decoder.Decode(&plain); err != nil {
		return to, err
	}
	return appendValue(to, plain, depth)
}

func appendNumber(to []byte, number json.Number) ([]byte, error) {
	if whole, err := number.Int64(); err == nil {
		return msgp.AppendInt64(to, whole), nil
	}
	if large, err := strconv.ParseUint(string(number), 10, 64); err == nil {
		return msgp.AppendUint64(to, large), nil
	}
	float, err := number.Float64()
	if err != nil || math.IsInf(float, 0) || math.IsNaN(float) || !strings.ContainsAny(string(number), ".eE") { // whole ones are never rounded
		return to, fmt.Errorf("a number does not fit into 64 bits, or is none")
	}
	return msgp.AppendFloat64(to, float), nil
}

// ---- replies ----

// answer is a reply, read. Nothing of it points into the buffer that it came in.
type answer struct {
	status     Status
	httpStatus int
	traceID    string
	secrets    []namedSecret
	texts      []namedText
	failure    *Error
	attempts   []Attempt
	events     []Event
}

type namedSecret struct {
	name   string
	secret *Secret
}

type namedText struct{ name, text string }

func (a *answer) secret(name string) *Secret {
	for _, each := range a.secrets {
		if each.name == name {
			return each.secret
		}
	}
	return nil
}

// drop wipes and frees the secrets of an answer that nobody wants.
func (a *answer) drop() {
	for _, each := range a.secrets {
		_ = each.secret.Close()
	}
}

// reader goes through a reply. The first mistake stays, and all that is read after it is nothing.
type reader struct {
	left []byte
	err  error
}

func (r *reader) failed(err error) bool {
	if err != nil && r.err == nil {
		r.err = err
		r.left = nil
	}
	return r.err != nil
}

func (r *reader) mapLen() uint32 {
	if r.err != nil {
		return 0
	}
	count, left, err := msgp.ReadMapHeaderBytes(r.left)
	if r.failed(err) {
		return 0
	}
	r.left = left
	return count
}

func (r *reader) arrayLen() int {
	if r.err != nil {
		return 0
	}
	count, left, err := msgp.ReadArrayHeaderBytes(r.left)
	if r.failed(err) {
		return 0
	}
	if uint64(count) > uint64(len(left)) { // each element takes a byte at least
		r.failed(msgp.ErrShortBytes)
		return 0
	}
	r.left = left
	return int(count)
}

// text gives bytes that are those of the buffer.
func (r *reader) text() []byte {
	if r.err != nil {
		return nil
	}
	text, left, err := msgp.ReadStringZC(r.left)
	if r.failed(err) {
		return nil
	}
	r.left = left
	return text
}

func (r *reader) number() int64 {
	if r.err != nil {
		return 0
	}
	number, left, err := msgp.ReadInt64Bytes(r.left)
	if r.failed(err) {
		return 0
	}
	r.left = left
	return number
}

func (r *reader) boolean() bool {
	if r.err != nil {
		return false
	}
	value, left, err := msgp.ReadBoolBytes(r.left)
	if r.failed(err) {
		return false
	}
	r.left = left
	return value
}

func (r *reader) next() msgp.Type { return msgp.NextType(r.left) }

// skip leaves out what is not known. It goes no deeper than a reply of the library does.
func (r *reader) skip(depth int) {
	if r.err != nil {
		return
	}
	if depth > maxDepth {
		r.failed(fmt.Errorf("nested deeper than %d levels", maxDepth))
		return
	}
	switch r.next() {
	case msgp.MapType:
		for count := r.mapLen(); count > 0 && r.err == nil; count-- {
			r.skip(depth + 1)
			r.skip(depth + 1)
		}
	case msgp.ArrayType:
		for count := r.arrayLen(); count > 0 && r.err == nil; count-- {
			r.skip(depth + 1)
		}
	default:
		left, err := msgp.Skip(r.left)
		if !r.failed(err) {
			r.left = left
		}
	}
}

func (r *reader) duration(unit time.Duration) time.Duration { return time.Duration(r.number()) * unit }

// readAnswer reads a reply and takes over its secrets, also those of a reply that turns out to be broken: nothing is left behind.
func readAnswer(reply []byte) (*answer, error) {
	read := &answer{}
	var lost int64
	r := &reader{left: reply}
	for count := r.mapLen(); count > 0 && r.err == nil; count-- {
		switch string(r.text()) {
		case "status":
			read.status = Status(r.number())
		case "http_status":
			read.httpStatus = int(r.number())
		case "trace_id":
			read.traceID = string(r.text())
		case "results":
			r.results(read)
		case "error":
			read.failure = r.failure()
		case "attempts":
			read.attempts = r.attempts()
		case "events":
			read.events = r.events()
		case "events_lost":
			lost = r.number()
		default:
			r.skip(0)
		}
	}
	if r.err == nil && len(r.left) > 0 {
		r.err = fmt.Errorf("%d bytes after its end", len(r.left))
	}
	if r.err == nil && read.status != StatusOK && read.failure == nil {
		read.failure = localError(read.status, "", "")
		read.failure.Delivery = MaybeSent
	}
	if r.err != nil {
		read.drop()
		failure := localError(StatusInternal, "", "the library's reply is not what it should be: "+r.err.Error())
		failure.Delivery = MaybeSent
		return nil, failure
	}
	if read.failure != nil {
		read.failure.Attempts = read.attempts
	}
	if lost > 0 {
		read.events = append(read.events, Event{Name: "events_lost", Time: time.Now(), Fields: map[string]any{"count": lost}})
	}
	return read, nil
}

func (r *reader) results(to *answer) {
	for count := r.mapLen(); count > 0 && r.err == nil; count-- {
		name := string(r.text())
		switch r.next() {
		case msgp.MapType:
			if secret := r.secret(); secret != nil {
				to.secrets = append(to.secrets, namedSecret{name, secret})
			}
		case msgp.StrType:
			to.texts = append(to.texts, namedText{name, string(r.text())})
		default:
			r.skip(0)
		}
	}
}

// secret claims the secret at once.
func (r *reader) secret() *Secret {
	var handle, expiresAt int64
	for count := r.mapLen(); count > 0 && r.err == nil; count-- {
		switch string(r.text()) {
		case "handle":
			handle = r.number()
		case "expires_at_ms":
			expiresAt = r.number()
		default:
			r.skip(0)
		}
	}
	if handle <= 0 {
		return nil
	}
	native, status := claimSecret(uint64(handle))
	if status != StatusOK {
		r.failed(status)
		return nil
	}
	return newSecret(native, expiresAt)
}

func (r *reader) failure() *Error {
	failure := &Error{RetryAfter: -1}
	for count := r.mapLen(); count > 0 && r.err == nil; count-- {
		switch string(r.text()) {
		case "status":
			failure.Status = Status(r.number())
		case "kind":
			failure.Kind = Kind(r.text())
		case "phase":
			failure.Phase = Phase(r.text())
		case "delivery":
			failure.Delivery = Delivery(r.text())
		case "repeatable":
			failure.Repeatable = r.boolean()
		case "message":
			failure.Message = string(r.text())
		case "field":
			failure.Field = string(r.text())
		case "http_status":
			failure.HTTPStatus = int(r.number())
		case "service_code":
			failure.ServiceCode = string(r.text())
		case "service_message":
			failure.ServiceMessage = string(r.text())
		case "trace_id":
			failure.TraceID = string(r.text())
		case "retry_after_ms":
			failure.RetryAfter = r.duration(time.Millisecond)
		case "details":
			for rest := r.arrayLen(); rest > 0 && r.err == nil; rest-- {
				failure.Details = append(failure.Details, string(r.text()))
			}
		case "load":
			failure.Load = r.load()
		default:
			r.skip(0)
		}
	}
	if failure.Message == "" {
		failure.Message = statusText(failure.Status)
	}
	return failure
}

func (r *reader) load() (steps []LoadStep) {
	for rest := r.arrayLen(); rest > 0 && r.err == nil; rest-- {
		var step LoadStep
		for count := r.mapLen(); count > 0 && r.err == nil; count-- {
			switch string(r.text()) {
			case "path":
				step.Path = string(r.text())
			case "stage":
				step.Stage = string(r.text())
			case "reason":
				step.Reason = string(r.text())
			default:
				r.skip(0)
			}
		}
		steps = append(steps, step)
	}
	return steps
}

func (r *reader) attempts() (attempts []Attempt) {
	for rest := r.arrayLen(); rest > 0 && r.err == nil; rest-- {
		attempts = append(attempts, r.attempt())
	}
	return attempts
}

func (r *reader) attempt() Attempt {
	const unknown = time.Duration(-1)
	attempt := Attempt{Start: unknown, Wait: unknown, Queue: unknown, Resolve: unknown, Connect: unknown, TLS: unknown, Send: unknown,
		FirstByte: unknown, Total: unknown}
	for count := r.mapLen(); count > 0 && r.err == nil; count-- {
		switch string(r.text()) {
		case "status":
			attempt.Status = Status(r.number())
		case "phase":
			attempt.Phase = Phase(r.text())
		case "delivery":
			attempt.Delivery = Delivery(r.text())
		case "http_status":
			attempt.HTTPStatus = int(r.number())
		case "http_version":
			attempt.HTTPVersion = int(r.number())
		case "tls_version":
			attempt.TLSVersion = int(r.number())
		case "reused":
			attempt.Reused = r.boolean()
		case "resumed":
			attempt.Resumed = r.boolean()
		case "token":
			attempt.Token = int(r.number())
		case "start_us":
			attempt.Start = r.duration(time.Microsecond)
		case "wait_us":
			attempt.Wait = r.duration(time.Microsecond)
		case "queue_us":
			attempt.Queue = r.duration(time.Microsecond)
		case "resolve_us":
			attempt.Resolve = r.duration(time.Microsecond)
		case "connect_us":
			attempt.Connect = r.duration(time.Microsecond)
		case "tls_us":
			attempt.TLS = r.duration(time.Microsecond)
		case "send_us":
			attempt.Send = r.duration(time.Microsecond)
		case "first_byte_us":
			attempt.FirstByte = r.duration(time.Microsecond)
		case "total_us":
			attempt.Total = r.duration(time.Microsecond)
		case "bytes_sent":
			attempt.BytesSent = r.number()
		case "bytes_received":
			attempt.BytesReceived = r.number()
		case "peer":
			attempt.Peer = string(r.text())
		case "trace_id":
			attempt.TraceID = string(r.text())
		case "message":
			attempt.Message = string(r.text())
		default:
			r.skip(0)
		}
	}
	return attempt
}

func (r *reader) events() (events []Event) {
	for rest := r.arrayLen(); rest > 0 && r.err == nil; rest-- {
		event := Event{Fields: map[string]any{}}
		for count := r.mapLen(); count > 0 && r.err == nil; count-- {
			name := string(r.text())
			switch r.next() {
			case msgp.IntType, msgp.UintType:
				event.Fields[name] = r.number()
			case msgp.StrType:
				event.Fields[name] = string(r.text())
			default:
				r.skip(0)
			}
		}
		event.Name = event.Text("event")
		event.Time = time.UnixMicro(event.Int("time_us"))
		event.Call = uint64(event.Int("call"))
		delete(event.Fields, "event")
		events = append(events, event)
	}
	return events
}
