// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"
)

// A queue is one completion queue of the library and the goroutine that serves it. The goroutine waits in Go's own poller for the queue's
// descriptor, so that no thread is held by a call or by the queue; all I/O of all calls happens when it, or a caller, looks into the queue.
type queue struct {
	native nativeQueue
	file   *os.File // a duplicate of the queue's descriptor: Go's poller wants one that is its own to close
	room   chan struct{}
	ended  chan struct{}

	inside sync.Mutex // held by whoever is inside of the library's next or warm
	batch  *batch

	mu      sync.Mutex
	calls   map[uint64]*call // by tag
	lastTag uint64
}

// call is one call's place in a queue.
type call struct {
	done    chan struct{}
	request []byte
	reply   []byte
	tag, id uint64
}

var callPool = sync.Pool{New: func() any {
	return &call{done: make(chan struct{}, 1), request: make([]byte, 0, 512), reply: make([]byte, 0, 512)}
}}

const (
	// firstRoom is what a queue's buffer holds; it grows if a reply is larger.
	firstRoom = 16 << 10
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
	q := &queue{native: native, ended: make(chan struct{}), calls: map[uint64]*call{}, batch: &batch{buffer: make([]byte, firstRoom)}}
	q.room = make(chan struct{}, native.maxCalls())
	if q.file, err = duplicate(native); err != nil {
		native.free()
		return nil, err
	}
	go q.serve()
	return q, nil
}

// duplicate gives the queue's descriptor to Go's poller.
func duplicate(native nativeQueue) (*os.File, error) {
	fd, err := native.descriptor()
	if err != nil {
		return nil, err
	}
	number, _, code := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if code != 0 {
		return nil, localError(StatusResourceDescriptors, "", "the queue's descriptor could not be duplicated: "+code.Error())
	}
	file := os.NewFile(number, "libplastiq queue")
	// What the poller does not take has no deadlines.
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		_ = file.Close()
		return nil, localError(StatusUnsupported, "", "Go's poller does not take the queue's descriptor: "+err.Error())
	}
	return file, nil
}

// serve runs until the queue was closed and its last completion taken.
func (q *queue) serve() {
	defer q.end()
	raw, err := q.file.SyscallConn()
	if err != nil {
		return
	}
	// Read calls the function, and after each false waits for the next edge.
	_ = raw.Read(func(uintptr) bool {
		q.inside.Lock() // never TryLock: the edge is gone, so whoever is inside may have looked before what it told of
		defer q.inside.Unlock()
		return q.drain()
	})
}

func (q *queue) end() {
	_ = q.file.Close()
	q.native.free()
	q.mu.Lock()
	for tag, each := range q.calls { // there are none, unless the poller failed
		delete(q.calls, tag)
		each.reply = each.reply[:0]
		each.done <- struct{}{}
	}
	q.mu.Unlock()
	close(q.ended)
}

// drain takes completions until there are none, which is what makes the descriptor tell of the next; true: there will be none.
func (q *queue) drain() (over bool) {
	for {
		status := q.native.take(q.batch)
		if q.batch.count() > 0 {
			q.deliver()
		}
		switch status {
		case StatusOK:
		case StatusQueueEmpty:
			return false
		case StatusClosed, StatusHandle:
			return true
		case StatusBufferTooSmall:
			if q.batch.count() == 0 { // else it has all of the buffer the next time
				q.batch.buffer = make([]byte, 2*q.batch.need())
			}
		default:
			q.inside.Unlock()
			time.Sleep(scarcePause)
			q.inside.Lock()
		}
	}
}

// deliver hands the batch's replies to those who wait for them.
func (q *queue) deliver() {
	count := q.batch.count()
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
	q.mu.Lock()
	q.lastTag++
	c.tag = q.lastTag
	q.calls[c.tag] = c
	q.mu.Unlock()
	id, status := q.native.submit(c.request, c.tag)
	c.id = id
	if status != StatusOK {
		q.forget(c)
		<-q.room
		return status
	}
	return StatusOK
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
