// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A queue is one completion queue of the library. All I/O of its calls happens inside of the library's next(), which one goroutine at a time
// may be in:
//
//   - the pump: a goroutine that waits in Go's own poller for the queue's descriptor, so that calls in flight hold no thread, however many
//     there are;
//   - or, while calls come one after the other and are answered at once, the caller itself, for leadTime at most. That saves waking two
//     goroutines for each call, which costs more than the call. As soon as there is a second call, or a slow one, the pump takes over. Where
//     Go has one processor it would keep all other goroutines from running, so it is not done there.
type queue struct {
	native nativeQueue
	room   chan struct{} // as many as there are calls in the queue
	ended  chan struct{}

	canLead bool

	inside sync.Mutex // held by whoever is inside of the library's next() or warm()
	batch  *batch

	mu      sync.Mutex
	calls   map[uint64]*call // by tag
	lastTag uint64
	leading bool     // a caller sees to the queue
	pump    *os.File // what the pump waits for; nil: there is no pump
	without bool     // there is one that does without the poller
	quick   int      // how many calls in a row were alone and quick
	closed  bool
	over    bool
}

// call is one call's place in a queue.
type call struct {
	done    chan struct{}
	request []byte
	reply   []byte
	began   time.Time
	tag, id uint64
}

var callPool = sync.Pool{New: func() any {
	return &call{done: make(chan struct{}, 1), request: make([]byte, 0, 512), reply: make([]byte, 0, 512)}
}}

const (
	// firstRoom is what a queue's buffer holds; it grows if a reply is larger.
	firstRoom = 16 << 10
	// leadTime is how long a caller stays inside of the library, and so holds a thread.
	leadTime = 5 * time.Millisecond
	// quickCalls is how many calls in a row must have been quick before callers do without the pump.
	quickCalls = 4
	// A deadline is the library's to notice, because it knows how far the request came. It is given this long past it.
	deadlineGrace = 20 * time.Millisecond
	// A cancel is carried out at once; only a transport that cannot be interrupted takes longer, and then the call is given up.
	cancelGrace = 250 * time.Millisecond
	// When the library lacks something, such as a descriptor, it may have it some time later.
	scarcePause = 10 * time.Millisecond
)

func newQueue(client nativeClient) (*queue, error) {
	native, err := newNativeQueue(client)
	if err != nil {
		return nil, err
	}
	return &queue{native: native, room: make(chan struct{}, native.maxCalls()), ended: make(chan struct{}), calls: map[uint64]*call{},
		canLead: runtime.GOMAXPROCS(0) > 1, batch: &batch{buffer: make([]byte, firstRoom)}}, nil
}

// ---- the pump ----

// startPump is called with mu held, when there is no pump and nobody leads.
func (q *queue) startPump() {
	if q.over {
		return
	}
	q.quick = 0
	file, err := q.descriptor()
	if err != nil {
		q.without = true
		go q.serveWithout()
		return
	}
	q.pump = file
	go q.serve(file)
}

// stopPump is called with mu held. The pump may be at work, and ends a moment later.
func (q *queue) stopPump() {
	_ = q.pump.SetReadDeadline(time.Unix(1, 0))
	q.pump = nil
}

// descriptor gives the queue's descriptor to Go's poller: a duplicate, which is the poller's own to close.
func (q *queue) descriptor() (*os.File, error) {
	fd, err := q.native.descriptor()
	if err != nil {
		return nil, err
	}
	number, _, code := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if code != 0 {
		return nil, code
	}
	file := os.NewFile(number, "libplastiq queue")
	// What the poller did not take has no deadlines.
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// serve is the pump.
func (q *queue) serve(file *os.File) {
	over := false
	raw, err := file.SyscallConn()
	if err == nil {
		// Read calls the function, and after each false waits for the next edge.
		err = raw.Read(func(uintptr) bool {
			q.inside.Lock() // never TryLock: the edge is gone, so whoever is inside may have looked before what it told of
			defer q.inside.Unlock()
			over = q.drain(0)
			return over
		})
	}
	_ = file.Close()
	if over {
		q.end()
		return
	}
	q.mu.Lock()
	failed := q.pump == file && !errors.Is(err, os.ErrDeadlineExceeded) // else it was told to stop
	if failed {
		q.pump, q.without = nil, true
	}
	q.mu.Unlock()
	if failed {
		q.serveWithout()
	}
}

// serveWithout is the pump where the poller cannot be had, because no descriptor is left: it holds a thread, until it ends or has nothing to do.
func (q *queue) serveWithout() {
	for {
		q.inside.Lock()
		over := q.drain(scarcePause)
		q.inside.Unlock()
		if over {
			q.end()
			return
		}
		q.mu.Lock()
		idle := len(q.calls) == 0 && !q.closed
		if idle {
			q.without = false
		}
		q.mu.Unlock()
		if idle {
			return
		}
	}
}

// drain takes completions until there are none, which is what makes the descriptor tell of the next; true: there will be none any more.
func (q *queue) drain(wait time.Duration) (over bool) {
	for {
		status := q.native.take(q.batch, wait, takeMost)
		q.deliver()
		switch status {
		case StatusOK:
		case StatusQueueEmpty:
			return false
		case StatusClosed, StatusHandle:
			return true
		case StatusBufferTooSmall:
			q.makeRoom()
		default:
			q.inside.Unlock()
			time.Sleep(scarcePause)
			q.inside.Lock()
		}
	}
}

// makeRoom is for a reply that is larger than the buffer. If others were before it, it has all of the buffer the next time.
func (q *queue) makeRoom() {
	if q.batch.count() == 0 {
		q.batch.buffer = make([]byte, 2*q.batch.need())
	}
}

// end is called when the library says that nothing comes any more.
func (q *queue) end() {
	q.mu.Lock()
	first := !q.over
	q.over = true
	q.mu.Unlock()
	if first {
		q.native.free()
		close(q.ended)
	}
}

// close takes no more calls, and with cancel ends those in flight. The pump ends the queue when the last one has ended.
func (q *queue) close(cancel bool) {
	q.native.close(cancel)
	q.mu.Lock()
	q.closed = true
	if !q.leading && !q.served() {
		q.startPump()
	}
	q.mu.Unlock()
}

// served is called with mu held: whether there is a pump.
func (q *queue) served() bool { return q.pump != nil || q.without }

// ---- a caller that leads ----

// lead sees to the queue on behalf of a caller whose call was just submitted, then hands over to the pump if something is left to do.
func (q *queue) lead(c *call) {
	if q.inside.TryLock() {
		if len(c.done) == 0 { // a pump that is about to end may have been faster
			if q.native.take(q.batch, leadTime, 1) == StatusBufferTooSmall {
				q.makeRoom()
			}
			q.deliver()
		}
		q.inside.Unlock()
	}
	q.follow()
}

// follow ends leading.
func (q *queue) follow() {
	q.mu.Lock()
	q.leading = false
	if len(q.calls) > 0 || q.closed {
		q.startPump()
	}
	q.mu.Unlock()
}

// ---- calls ----

// deliver hands the batch's replies to those who wait for them.
func (q *queue) deliver() {
	count := q.batch.count()
	if count == 0 {
		return
	}
	q.mu.Lock()
	for i := 0; i < count; i++ {
		tag, reply := q.batch.at(i)
		waiting, ok := q.calls[tag]
		if !ok {
			q.discard(reply)
			continue
		}
		delete(q.calls, tag)
		waiting.reply = append(waiting.reply[:0], reply...)
		if len(q.calls) == 0 && time.Since(waiting.began) < leadTime {
			q.quick++
		} else {
			q.quick = 0
		}
		waiting.done <- struct{}{}
	}
	q.mu.Unlock()
	for i := 0; i < count; i++ {
		<-q.room
	}
}

// discard wipes the secrets of a reply that nobody knows of.
func (q *queue) discard(reply []byte) {
	if late, err := readAnswer(reply); err == nil {
		late.drop()
	}
}

// enter waits until the queue has room for one more call.
func (q *queue) enter(ctx context.Context, deadline time.Time) error {
	select {
	case q.room <- struct{}{}:
		return nil
	default:
	}
	var late <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case q.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return endedBefore(ctx)
	case <-q.ended:
		return localError(StatusClosed, "", "the client was closed")
	case <-late:
		return localError(StatusTimeoutTotal, "", "the call's deadline passed while the client had no room for it (option queue_max_calls)")
	}
}

// submit sends what is in c.request, and sees to it that its reply comes to c. The caller has entered.
func (q *queue) submit(c *call) Status {
	c.began = time.Now()
	q.mu.Lock()
	if len(q.calls) > 0 {
		q.quick = 0
	}
	q.lastTag++
	c.tag = q.lastTag
	q.calls[c.tag] = c
	lead := q.canLead && !q.leading && !q.closed && !q.without && (q.pump == nil || q.quick >= quickCalls)
	if lead {
		if q.pump != nil {
			q.stopPump()
		}
		q.leading = true
	} else if !q.leading && !q.served() {
		q.startPump()
	}
	q.mu.Unlock()
	id, status := q.native.submit(c.request, c.tag)
	c.id = id
	if status != StatusOK {
		q.forget(c)
		<-q.room
	}
	switch {
	case lead && status == StatusOK:
		q.lead(c)
	case lead:
		q.follow()
	}
	return status
}

// forget takes out a call that was not accepted.
func (q *queue) forget(c *call) {
	q.mu.Lock()
	delete(q.calls, c.tag)
	q.mu.Unlock()
}

// wait waits for the reply; false: the context ended, and how the call ended did not become known in time.
func (q *queue) wait(ctx context.Context, c *call) bool {
	ended := ctx.Done()
	if ended == nil {
		<-c.done
		return true
	}
	select {
	case <-c.done:
		return true
	case <-ended:
	}
	if ctx.Err() == context.DeadlineExceeded && c.within(deadlineGrace) {
		return true
	}
	q.native.cancel(c.id)
	return c.within(cancelGrace)
}

// within waits for the reply for so long.
func (c *call) within(most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}
