// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Client makes calls. It keeps its connections, so make one and share it: any number of goroutines may use it at once. Close it.
type Client struct {
	// ClientSecrets makes client secrets.
	ClientSecrets *ClientSecrets

	handle *handle
}

// handle is what the client and everything that it hands out refer to, so that the finalizer runs when none of them is in use. The goroutines
// of the queues refer to the core alone.
type handle struct{ *core }

// core is a client of the library.
type core struct {
	native nativeClient
	queues []*queue
	hooks  []Hook
	turn   atomic.Uint32

	mu     sync.Mutex
	closed bool
	users  int           // calls, and whatever else needs the native client
	unused chan struct{} // closed when there are no users any more, and the native client is gone
}

// CloseTimeout is how long [Client.Close] waits for calls that it cancelled.
const CloseTimeout = 5 * time.Second

// NewClient makes a client. What the options leave open is taken from the environment, unless [WithoutEnvironment] is among them.
//
// It does no network I/O. It succeeds without an access token: calls then fail until [Client.SetTokens].
func NewClient(options ...Option) (*Client, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	settings, err := collect(options)
	if err != nil {
		return nil, err
	}
	native, err := settings.native()
	if err != nil {
		return nil, err
	}
	defer native.free()
	client, err := newNativeClient(native)
	if err != nil {
		return nil, err
	}
	c := &core{native: client, hooks: settings.hooks, unused: make(chan struct{})}
	for len(c.queues) < settings.queues {
		q, err := newQueue(client)
		if err != nil {
			c.close(true)
			return nil, err
		}
		c.queues = append(c.queues, q)
	}
	h := &handle{c}
	runtime.SetFinalizer(h, func(h *handle) { h.close(true) })
	return &Client{ClientSecrets: &ClientSecrets{h}, handle: h}, nil
}

func notMade(what string) error {
	return localError(StatusHandle, "", "this "+what+" is nil or empty: only NewClient makes a Client, and a Client the rest")
}

// enter keeps the native client for a moment.
func (c *core) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return localError(StatusClosed, "", "the client was closed")
	}
	c.users++
	return nil
}

func (c *core) leave() {
	c.mu.Lock()
	c.users--
	last := c.closed && c.users == 0
	c.mu.Unlock()
	if last {
		c.free()
	}
}

// free ends the native client: secrets that a reply named and nobody has claimed go with it, so it comes after the last user.
func (c *core) free() {
	c.native.free()
	close(c.unused)
}

// close takes no more calls, and with cancel ends those in flight. It does not wait.
func (c *core) close(cancel bool) {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	last := first && c.users == 0
	c.mu.Unlock()
	if first || cancel {
		for _, q := range c.queues {
			q.close(cancel)
		}
	}
	if last {
		c.free()
	}
}

// await waits until nothing is left, or the context ends.
func (c *core) await(ctx context.Context) error {
	wait := func(over <-chan struct{}) error {
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, q := range c.queues {
		if err := wait(q.ended); err != nil {
			return err
		}
	}
	return wait(c.unused)
}

// Close ends the client: no new call starts, those in flight are cancelled and waited for, for [CloseTimeout] at most. After that it fails with
// [StatusBusy], and what still runs ends by itself. Later calls of Close wait likewise. Secrets and errors outlive the client.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), CloseTimeout)
	defer cancel()
	if c == nil || c.handle == nil {
		return notMade("Client")
	}
	defer runtime.KeepAlive(c.handle)
	c.handle.close(true)
	if c.handle.await(ctx) != nil {
		return localError(StatusBusy, "", "some calls of the closed client still run; they end by themselves")
	}
	return nil
}

// Shutdown ends the client in order: no new call starts, and those in flight go on. If the context ends before they do, they are cancelled and
// Shutdown returns its error.
func (c *Client) Shutdown(ctx context.Context) error {
	if c == nil || c.handle == nil {
		return notMade("Client")
	}
	if ctx == nil {
		return noContext()
	}
	defer runtime.KeepAlive(c.handle)
	c.handle.close(false)
	err := c.handle.await(ctx)
	if err != nil {
		c.handle.close(true)
	}
	return err
}

// SetTokens replaces the access tokens of a client that is in use. Attempts that were sent go on with the old ones, the next attempt uses the
// new. second is tried once after a 401; "" is none. Files of tokens are not followed any more.
func (c *Client) SetTokens(token, second string) error {
	return c.with(func(h *handle) error {
		first, other := []byte(token), []byte(second)
		defer Wipe(first)
		defer Wipe(other)
		return h.native.setTokens(first, other)
	})
}

// Warm opens connections ahead of the first call, until count are open, of all queues together. It tells how many are open, also if it fails.
// Calls wait while it works, so warm a client before it is used. The context's deadline counts, and the limits for connecting and for TLS. When the
// context is cancelled Warm returns, and what it began ends by itself, within these limits or when the client is closed.
func (c *Client) Warm(ctx context.Context, count int) (open int, err error) {
	if ctx == nil {
		return 0, noContext()
	}
	if count < 0 || count > 1<<20 {
		return 0, localError(StatusArgument, "count", "count must be a number of connections")
	}
	type outcome struct {
		open int
		err  error
	}
	ended := make(chan outcome, 1)
	go func() {
		var now outcome
		now.err = c.with(func(h *handle) error {
			for i, q := range h.queues {
				share := count / len(h.queues)
				if i < count%len(h.queues) {
					share++
				}
				got, err := q.warm(ctx, share)
				now.open += got
				if err != nil {
					return err
				}
			}
			return nil
		})
		ended <- now
	}()
	select {
	case now := <-ended:
		return now.open, now.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(deadlineGrace)
	defer timer.Stop()
	select {
	case now := <-ended:
		return now.open, now.err
	case <-timer.C:
		return 0, endedBefore(ctx)
	}
}

// warm blocks: nothing but its deadline, and the end of the client, interrupts it.
func (q *queue) warm(ctx context.Context, count int) (open int, err error) {
	// Transports keep what they open ahead apart until the queue has a descriptor: the first calls would not find it.
	if _, err := q.native.descriptor(); err != nil {
		return 0, err
	}
	q.inside.Lock()
	defer q.inside.Unlock()
	if ctx.Err() != nil {
		return 0, endedBefore(ctx)
	}
	limit := int64(-1)
	deadline, limited := ctx.Deadline()
	if limited {
		limit = timeoutMS(time.Until(deadline))
	}
	open, err = q.native.warm(count, limit)
	if failure, ok := err.(*Error); ok && limited && failure.Status == StatusTimeoutTotal {
		failure.cause = context.DeadlineExceeded
	}
	return open, err
}

// Options tells the options as the client uses them, and where each comes from. A secret's value is "[set]".
func (c *Client) Options() ([]OptionInfo, error) {
	table, err := c.Describe("options")
	if err != nil {
		return nil, err
	}
	infos := make([]OptionInfo, len(table.Rows))
	for i, row := range table.Maps() {
		infos[i] = OptionInfo{Name: row["name"], Value: row["value"], Source: row["source"], Place: row["place"], Type: row["type"],
			Default: row["default"], Doc: row["doc"]}
	}
	return infos, nil
}

// Describe gives one of the library's tables, as this client's options make it. See the function [Describe].
func (c *Client) Describe(table string) (read *Table, err error) {
	err = c.with(func(h *handle) error {
		options, err := h.native.options()
		if err != nil {
			return err
		}
		defer options.free()
		read, err = options.table(table)
		return err
	})
	return read, err
}

// Transport tells what carries this client's requests.
func (c *Client) Transport() (transport Transport, err error) {
	err = c.with(func(h *handle) error {
		transport, err = h.native.transport()
		return err
	})
	return transport, err
}

// Stats tells what the client has done and is doing.
func (c *Client) Stats() (stats Stats, err error) {
	err = c.with(func(h *handle) error {
		stats, err = h.native.stats()
		return err
	})
	return stats, err
}

func (c *Client) with(f func(h *handle) error) error {
	if c == nil || c.handle == nil {
		return notMade("Client")
	}
	defer runtime.KeepAlive(c.handle)
	if err := c.handle.enter(); err != nil {
		return err
	}
	defer c.handle.leave()
	return f(c.handle)
}

// Request is a call of any operation that the library knows: its table "operations" lists them, "operation_fields" their fields and
// "operation_results" what they give.
type Request struct {
	Operation string         // such as "client_secrets.create"
	Fields    map[string]any // by path, such as "payer.id"; the values are texts, and nil is not set
	CallOptions
}

// Response is what a [Request] brought. Close it.
type Response struct {
	HTTPStatus int
	TraceID    string
	Secrets    map[string]*Secret
	Texts      map[string]string
	Attempts   []Attempt // if they were asked for
}

// Close wipes and frees the response's secrets.
func (r *Response) Close() error {
	if r != nil {
		for _, secret := range r.Secrets {
			_ = secret.Close()
		}
	}
	return nil
}

// Do makes a call of any operation; for those that this package knows there are methods, such as [ClientSecrets.Create].
//
// It waits for the outcome, repeats included, and holds no thread meanwhile. Whatever fails is an [*Error].
//
// The call's deadline is that of the context or [CallOptions.Timeout], whichever is earlier; without these, the option timeout_ms. When the
// context is cancelled the call is too, and the error says what is known of the request: it matches [KindCancelled] and the context's error. A
// call whose outcome came first is what it is, a success for instance. If a transport cannot be interrupted, the call is given up a moment later,
// and a secret that comes after that is wiped.
func (c *Client) Do(ctx context.Context, request *Request) (*Response, error) {
	if c == nil || c.handle == nil {
		return nil, notMade("Client")
	}
	if request == nil {
		return nil, localError(StatusArgument, "request", "request must not be nil")
	}
	answer, err := c.handle.do(ctx, request.Operation, request, &request.CallOptions)
	if err != nil {
		return nil, err
	}
	response := &Response{HTTPStatus: answer.httpStatus, TraceID: answer.traceID, Attempts: answer.attempts, Secrets: map[string]*Secret{},
		Texts: map[string]string{}}
	for _, each := range answer.secrets {
		response.Secrets[each.name] = each.secret
	}
	for _, each := range answer.texts {
		response.Texts[each.name] = each.text
	}
	return response, nil
}

func (r *Request) appendParams(to []byte) ([]byte, error) {
	to = msgp.AppendMapHeader(to, uint32(len(r.Fields)))
	for name, value := range r.Fields {
		var err error
		if to, err = appendValue(msgp.AppendString(to, name), value, 2); err != nil {
			return to, localError(StatusFieldValue, name, name+": "+err.Error())
		}
	}
	return to, nil
}

func noContext() error { return localError(StatusArgument, "ctx", "the context must not be nil") }

// endedBefore is the error of a call whose context ended before anything was sent.
func endedBefore(ctx context.Context) *Error {
	status := StatusCancelled
	if ctx.Err() == context.DeadlineExceeded {
		status = StatusTimeoutTotal
	}
	failure := localError(status, "", "")
	failure.cause = ctx.Err()
	return failure
}

// timeoutMS is at least 1, because 0 and less are something else to the library, and rounded down: so its deadline comes before the context's.
func timeoutMS(left time.Duration) int64 {
	if left < time.Millisecond {
		return 1
	}
	return int64(left / time.Millisecond)
}

// do makes a call.
func (h *handle) do(ctx context.Context, operation string, from params, options *CallOptions) (*answer, error) {
	if ctx == nil {
		return nil, noContext()
	}
	read, err := h.run(ctx, operation, from, options)
	runtime.KeepAlive(h)
	if read != nil {
		h.tell(read, options.Hook)
		if read.failure != nil {
			read.drop()
			err = read.failure
		}
	}
	if err != nil {
		return nil, named(err, operation)
	}
	return read, nil
}

func named(err error, operation string) error {
	if failure, ok := err.(*Error); ok {
		failure.Operation = operation
	}
	return err
}

func (h *handle) wantEvents(options *CallOptions) bool {
	return len(h.hooks) > 0 || options.Hook != nil
}

// tell calls the hooks.
func (h *handle) tell(read *answer, own Hook) {
	for _, event := range read.events {
		for _, hook := range h.hooks {
			hook(event)
		}
		if own != nil {
			own(event)
		}
	}
}

// run makes a call: an answer, which may be that of a failure, or an error of its own.
func (h *handle) run(ctx context.Context, operation string, from params, options *CallOptions) (*answer, error) {
	if err := h.enter(); err != nil {
		return nil, err
	}
	defer h.leave() // also if what the caller gave panics when it is made JSON
	if ctx.Err() != nil {
		return nil, endedBefore(ctx)
	}
	q := h.queues[0]
	if len(h.queues) > 1 {
		q = h.queues[h.turn.Add(1)%uint32(len(h.queues))]
	}
	deadline, contextual := ctx.Deadline()
	if options.Timeout > 0 {
		if own := time.Now().Add(options.Timeout); !contextual || own.Before(deadline) {
			deadline, contextual = own, false
		}
	}
	own := deadline
	if contextual { // the context tells of that one itself
		own = time.Time{}
	}
	c := callPool.Get().(*call)
	limited := !deadline.IsZero() || options.Timeout < 0
	var err error
	c.request, err = appendMessage(c.request[:0], operation, from, options, limited, h.wantEvents(options))
	if err == nil {
		err = q.enter(ctx, own)
	}
	if err != nil {
		wipeRequest(c)
		recycle(c)
		return nil, err
	}
	if !deadline.IsZero() {
		c.request = appendTimeout(c.request, timeoutMS(time.Until(deadline)))
	} else if limited {
		c.request = appendTimeout(c.request, int64(options.Timeout)) // -1; the library refuses any other
	}
	status := q.submit(c)
	wipeRequest(c)
	if status != StatusOK {
		recycle(c)
		if status == StatusHandle { // its last completion was taken: it has ended
			status = StatusClosed
		}
		return nil, localError(status, "", "")
	}
	if !q.wait(ctx, c) {
		h.giveUp(ctx, c, options)
		failure := endedBefore(ctx)
		failure.Delivery = MaybeSent
		failure.Message = "the context ended, and how the call ended did not become known in time"
		return nil, failure
	}
	return settle(ctx, c, contextual)
}

// giveUp sees to a call that nobody waits for any more: its secret is wiped, and the hooks learn how it ended.
func (h *handle) giveUp(ctx context.Context, c *call, options *CallOptions) {
	hook := options.Hook
	h.mu.Lock()
	h.users++
	h.mu.Unlock()
	go func() {
		<-c.done
		read, err := settle(ctx, c, false)
		h.leave()
		runtime.KeepAlive(h)
		if err == nil {
			read.drop()
			h.tell(read, hook)
		}
	}()
}

// settle reads the reply.
func settle(ctx context.Context, c *call, contextual bool) (*answer, error) {
	read, err := readAnswer(c.reply)
	recycle(c)
	if err != nil {
		return nil, err
	}
	if read.failure != nil {
		switch {
		case read.failure.Kind == KindCancelled && ctx.Err() != nil:
			read.failure.cause = ctx.Err()
		case read.failure.Status == StatusTimeoutTotal && contextual: // the library's clock may be a moment ahead of the context's timer
			read.failure.cause = context.DeadlineExceeded
		}
	}
	return read, nil
}

// Values of fields and headers leave no copy behind in what is used again.
func wipeRequest(c *call) {
	for i := range c.request {
		c.request[i] = 0
	}
}

func recycle(c *call) {
	const most = 64 << 10 // what is larger is not worth keeping
	if cap(c.request) <= most && cap(c.reply) <= most {
		callPool.Put(c)
	}
}
