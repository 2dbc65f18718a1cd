// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

// The declarations are those of the library's own headers: nothing is declared twice. What is defined here saves an allocation or a
// crossing for each call.

/*
#cgo pkg-config: plastiq
#include <plastiq/plastiq.h>
#include <stdlib.h>

#if PLQ_ABI_MAJOR != 1
#error "This Go package needs the headers of libplastiq with ABI 1.0 or a later 1.x; those that pkg-config found are of another one."
#endif

// Results come back by value, so that Go need not put a variable on its heap for each.
typedef struct plqgo_submitted {
  uint64_t id;
  int32_t status;
} plqgo_submitted;

static plqgo_submitted plqgo_submit(plq_queue_id queue, const uint8_t *message, size_t len, uint64_t tag) {
  plqgo_submitted out = {0, 0};
  out.status = plq_queue_submit_message(queue, message, len, tag, 0, &out.id, NULL);
  return out;
}

// Where a completion lies in the buffer.
typedef struct plqgo_taken {
  uint64_t tag;
  size_t offset, len;
} plqgo_taken;

enum { PLQGO_TAKE = 64 };

// What a crossing brings.
typedef struct plqgo_batch {
  plqgo_taken taken[PLQGO_TAKE];
  size_t need;
  int32_t count, status;
} plqgo_batch;

// Waits for a completion and takes it and those that are ready after it, until there is none, they are `most`, or the buffer is full: then need
// says what the next one takes.
static void plqgo_take(plq_queue_id queue, int64_t timeout_ms, int32_t most, uint8_t *buffer, size_t room, plqgo_batch *batch) {
  size_t used = 0, len = 0;
  uint64_t tag = 0;
  batch->count = 0;
  batch->need = 0;
  batch->status = PLQ_OK;
  while (batch->count < most) {
    batch->status = plq_queue_next_message(queue, batch->count > 0 ? 0 : timeout_ms, buffer + used, room - used, &len, &tag, NULL);
    if (batch->status == PLQ_E_BUFFER_TOO_SMALL) batch->need = len;
    if (batch->status != PLQ_OK) return;
    plqgo_taken *taken = &batch->taken[batch->count++];
    taken->tag = tag;
    taken->offset = used;
    taken->len = len;
    used += len;
  }
}

// An object, and why there is none.
typedef struct plqgo_made {
  void *object;
  plq_error *error;
  uint64_t id;
  int32_t status;
} plqgo_made;

static plqgo_made plqgo_options_new(uint32_t flags) {
  plqgo_made out = {NULL, NULL, 0, 0};
  plq_options *options = NULL;
  out.status = plq_options_new(flags, &options, &out.error);
  out.object = options;
  return out;
}

static plqgo_made plqgo_options_set(plq_options *options, const char *key, size_t key_len, const char *value, size_t value_len) {
  plqgo_made out = {NULL, NULL, 0, 0};
  out.status = plq_options_set(options, key, key_len, value, value_len, &out.error);
  return out;
}

static plqgo_made plqgo_options_set_number(plq_options *options, const char *key, size_t key_len, int64_t value) {
  plqgo_made out = {NULL, NULL, 0, 0};
  out.status = plq_options_set_number(options, key, key_len, value, &out.error);
  return out;
}

static plqgo_made plqgo_client_new(const plq_options *options) {
  plqgo_made out = {NULL, NULL, 0, 0};
  out.status = plq_client_new(options, &out.id, &out.error);
  return out;
}

static plqgo_made plqgo_client_set_tokens(plq_client_id client, const char *token, size_t len, const char *second, size_t second_len) {
  plqgo_made out = {NULL, NULL, 0, 0};
  out.status = plq_client_set_tokens(client, token, len, second, second_len, &out.error);
  return out;
}

static plqgo_made plqgo_client_options(plq_client_id client) {
  plqgo_made out = {NULL, NULL, 0, 0};
  plq_options *options = NULL;
  out.status = plq_client_options(client, &options, &out.error);
  out.object = options;
  return out;
}

static plqgo_made plqgo_client_transport(plq_client_id client) {
  plqgo_made out = {NULL, NULL, 0, 0};
  plq_transports *transports = NULL;
  out.status = plq_client_transport(client, &transports, &out.error);
  out.object = transports;
  return out;
}

static plqgo_made plqgo_queue_new(plq_client_id client) {
  plqgo_made out = {NULL, NULL, 0, 0};
  out.status = plq_queue_new(client, &out.id, &out.error);
  return out;
}

// The id is how many connections are open.
static plqgo_made plqgo_queue_warm(plq_queue_id queue, uint32_t count, int64_t timeout_ms) {
  plqgo_made out = {NULL, NULL, 0, 0};
  uint32_t open = 0;
  out.status = plq_queue_warm(queue, count, timeout_ms, &open, &out.error);
  out.id = open;
  return out;
}

static plqgo_made plqgo_table_new(const char *name, size_t len, const plq_options *options) {
  plqgo_made out = {NULL, NULL, 0, 0};
  plq_table *table = NULL;
  out.status = plq_table_new(name, len, options, &table, &out.error);
  out.object = table;
  return out;
}

static plqgo_made plqgo_secret_claim(plq_secret_id id) {
  plqgo_made out = {NULL, NULL, 0, 0};
  plq_secret *secret = NULL;
  out.status = plq_secret_claim(id, &secret);
  out.object = secret;
  return out;
}

typedef struct plqgo_bytes {
  const char *at;
  size_t len;
  int32_t status;
} plqgo_bytes;

static plqgo_bytes plqgo_secret_read(const plq_secret *secret) {
  plqgo_bytes out = {NULL, 0, 0};
  out.status = plq_secret_read(secret, &out.at, &out.len);
  return out;
}

static plqgo_bytes plqgo_secret_take(plq_secret *secret, char *buffer, size_t room) {
  plqgo_bytes out = {NULL, 0, 0};
  out.status = plq_secret_take(secret, buffer, room, &out.len);
  return out;
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"
)

// Version is the version of this package. It is that of the library which it was made with.
const Version = "0.1.0"

// The ABI that this package was written for, and the least minor version that has all that it calls.
const (
	abiMajor = 1
	abiMinor = 0
)

// LibraryVersion tells the version of the libplastiq that is in use, which may be newer than this package.
func LibraryVersion() string { return C.GoString(C.plq_version()) }

// Features is what a build of the library can do, as bits. Bits that are not known are to be ignored.
type Features uint64

// What [LibraryFeatures] may tell.
const (
	FeatureLoading   Features = C.PLQ_FEATURE_DLOPEN    // transports can be loaded from files
	FeatureDumps     Features = C.PLQ_FEATURE_DONTDUMP  // pages of tokens and secrets are kept out of core dumps
	FeatureObservers Features = C.PLQ_FEATURE_OBSERVERS // C programs can observe; the hooks of this package do without
)

// LibraryFeatures tells what the libplastiq that is in use can do.
func LibraryFeatures() Features { return Features(C.plq_features()) }

// checkLibrary tells whether the library serves this package.
func checkLibrary() error {
	if C.plq_abi_require(abiMajor, abiMinor) == C.PLQ_OK {
		return nil
	}
	found := uint32(C.plq_abi_version())
	return &Error{Status: StatusABI, Kind: KindUsage, Phase: PhaseConfig, Delivery: NotSent, RetryAfter: -1, Message: fmt.Sprintf(
		"the libplastiq that was found is version %s with ABI %d.%d, but version %s of this Go package needs ABI %d.%d or a later %d.x",
		LibraryVersion(), found>>16, found&0xffff, Version, abiMajor, abiMinor, abiMajor)}
}

// gate bounds how many goroutines are in one of the library's short functions at once. These take locks: when the thread that has one does not run,
// because the machine is busy, every other that comes for it would hold a thread of its own, and Go would start hundreds.
var gate = make(chan struct{}, runtime.GOMAXPROCS(0)+4)

func statusName(status Status) string { return C.GoString(C.plq_status_name(C.int32_t(status))) }
func statusText(status Status) string { return C.GoString(C.plq_status_text(C.int32_t(status))) }
func statusKind(status Status) Kind {
	return Kind(C.GoString(C.plq_kind_name(C.plq_status_kind(C.int32_t(status)))))
}
func statusPhase(status Status) Phase {
	return Phase(C.GoString(C.plq_phase_name(C.plq_status_phase(C.int32_t(status)))))
}

// lifeNow is the clock of expiresAt, in milliseconds.
func lifeNow() int64 { return int64(C.plq_life_now_ms()) }

// Wipe overwrites bytes in a way that the compiler does not leave out.
func Wipe(bytes []byte) {
	if len(bytes) > 0 {
		C.plq_memzero(unsafe.Pointer(&bytes[0]), C.size_t(len(bytes)))
	}
}

// chars shows bytes to C for the time of a call. An empty text is not none, so that it never becomes NULL.
func chars(bytes []byte) (*C.char, C.size_t) {
	if len(bytes) == 0 {
		return &emptyText[0], 0
	}
	return (*C.char)(unsafe.Pointer(&bytes[0])), C.size_t(len(bytes))
}

var emptyText [1]C.char

// failure makes an error of what C said, and frees it.
func failure(made C.plqgo_made) error {
	if made.status == C.PLQ_OK {
		return nil
	}
	defer C.plq_error_free(made.error)
	var length C.size_t
	text := C.plq_error_json(made.error, &length)
	return errorFromJSON(Status(made.status), C.GoBytes(unsafe.Pointer(text), C.int(length)))
}

// ---- options ----

type nativeOptions struct{ at *C.plq_options }

func newOptions(ambient bool) (nativeOptions, error) {
	var flags C.uint32_t = C.PLQ_NO_AMBIENT
	if ambient {
		flags = 0
	}
	made := C.plqgo_options_new(flags)
	return nativeOptions{(*C.plq_options)(made.object)}, failure(made)
}

// setText sets an option from text; nil takes it back.
func (o nativeOptions) setText(key string, value []byte) error {
	name, nameLen := chars([]byte(key))
	if value == nil {
		return about(key, failure(C.plqgo_options_set(o.at, name, nameLen, nil, 0)))
	}
	text, textLen := chars(value)
	return about(key, failure(C.plqgo_options_set(o.at, name, nameLen, text, textLen)))
}

func (o nativeOptions) setNumber(key string, value int64) error {
	name, nameLen := chars([]byte(key))
	return about(key, failure(C.plqgo_options_set_number(o.at, name, nameLen, C.int64_t(value))))
}

func (o nativeOptions) free() { C.plq_options_free(o.at) }

// table reads one of the library's tables.
func (o nativeOptions) table(name string) (*Table, error) {
	text, length := chars([]byte(name))
	made := C.plqgo_table_new(text, length, o.at)
	if err := failure(made); err != nil {
		return nil, err
	}
	at := (*C.plq_table)(made.object)
	defer C.plq_table_free(at)
	table := &Table{Name: name, Columns: make([]string, C.plq_table_columns(at)), Rows: make([][]string, C.plq_table_rows(at))}
	for column := range table.Columns {
		table.Columns[column] = C.GoString(C.plq_table_column(at, C.uint32_t(column), nil))
	}
	for row := range table.Rows {
		table.Rows[row] = make([]string, len(table.Columns))
		for column := range table.Columns {
			table.Rows[row][column] = C.GoString(C.plq_table_text(at, C.uint32_t(row), C.uint32_t(column), nil))
		}
	}
	return table, nil
}

// ---- clients ----

type nativeClient struct{ id C.plq_client_id }

func newNativeClient(options nativeOptions) (nativeClient, error) {
	made := C.plqgo_client_new(options.at)
	return nativeClient{C.plq_client_id(made.id)}, failure(made)
}

// setTokens replaces both tokens; an empty one is none.
func (c nativeClient) setTokens(token, second []byte) error {
	var at, secondAt *C.char
	var length, secondLen C.size_t
	if len(token) > 0 {
		at, length = chars(token)
	}
	if len(second) > 0 {
		secondAt, secondLen = chars(second)
	}
	return failure(C.plqgo_client_set_tokens(c.id, at, length, secondAt, secondLen))
}

func (c nativeClient) options() (nativeOptions, error) {
	made := C.plqgo_client_options(c.id)
	return nativeOptions{(*C.plq_options)(made.object)}, failure(made)
}

func (c nativeClient) transport() (Transport, error) {
	made := C.plqgo_client_transport(c.id)
	if err := failure(made); err != nil {
		return Transport{}, err
	}
	list := (*C.plq_transports)(made.object)
	defer C.plq_transports_free(list)
	text := func(which C.int32_t) string { return C.GoString(C.plq_transports_text(list, 0, which, nil)) }
	return Transport{
		Name: text(C.PLQ_TRANSPORT_NAME), Path: text(C.PLQ_TRANSPORT_PATH), Version: text(C.PLQ_TRANSPORT_VERSION),
		Stack: text(C.PLQ_TRANSPORT_STACK), Class: text(C.PLQ_TRANSPORT_CLASS), ID: text(C.PLQ_TRANSPORT_ID),
		Vendor: text(C.PLQ_TRANSPORT_VENDOR), License: text(C.PLQ_TRANSPORT_LICENSE),
		Capabilities: splitWords(text(C.PLQ_TRANSPORT_CAPABILITIES)), Failure: text(C.PLQ_TRANSPORT_FAILURE),
	}, nil
}

func (c nativeClient) stats() (Stats, error) {
	var n [C.PLQ_STATS]C.int64_t
	if status := C.plq_client_stats(c.id, &n[0], C.PLQ_STATS); status != C.PLQ_OK {
		return Stats{}, localError(Status(status), "", "")
	}
	return Stats{
		Calls: int64(n[C.PLQ_STAT_CALLS]), CallsSucceeded: int64(n[C.PLQ_STAT_CALLS_SUCCEEDED]), CallsFailed: int64(n[C.PLQ_STAT_CALLS_FAILED]),
		CallsInFlight: int64(n[C.PLQ_STAT_CALLS_IN_FLIGHT]), Attempts: int64(n[C.PLQ_STAT_ATTEMPTS]), Repeats: int64(n[C.PLQ_STAT_REPEATS]),
		RepeatsDenied: int64(n[C.PLQ_STAT_REPEATS_DENIED]), RepeatsLeft: int64(n[C.PLQ_STAT_REPEATS_LEFT]),
		ConnectionsOpened: int64(n[C.PLQ_STAT_CONNECTIONS_OPENED]), ConnectionsReused: int64(n[C.PLQ_STAT_CONNECTIONS_REUSED]),
		ConnectionsOpen: int64(n[C.PLQ_STAT_CONNECTIONS_OPEN]), ConnectionsBusy: int64(n[C.PLQ_STAT_CONNECTIONS_BUSY]),
		BytesSent: int64(n[C.PLQ_STAT_BYTES_SENT]), BytesReceived: int64(n[C.PLQ_STAT_BYTES_RECEIVED]), TokensRead: int64(n[C.PLQ_STAT_TOKENS_READ]),
	}, nil
}

func (c nativeClient) free() { C.plq_client_free(c.id) }

// ---- queues ----

type nativeQueue struct{ id C.plq_queue_id }

func newNativeQueue(client nativeClient) (nativeQueue, error) {
	made := C.plqgo_queue_new(client.id)
	return nativeQueue{C.plq_queue_id(made.id)}, failure(made)
}

func (q nativeQueue) descriptor() (int, error) {
	var fd C.int
	if status := C.plq_queue_fd(q.id, &fd); status != C.PLQ_OK {
		return -1, localError(Status(status), "", "")
	}
	return int(fd), nil
}

// maxCalls is how many calls the queue holds at most.
func (q nativeQueue) maxCalls() int {
	var n [C.PLQ_QUEUE_STATS]C.int64_t
	C.plq_queue_stats(q.id, &n[0], C.PLQ_QUEUE_STATS)
	return int(n[C.PLQ_QUEUE_STAT_MAX_CALLS])
}

func (q nativeQueue) submit(message []byte, tag uint64) (id uint64, status Status) {
	gate <- struct{}{}
	out := C.plqgo_submit(q.id, (*C.uint8_t)(unsafe.Pointer(&message[0])), C.size_t(len(message)), C.uint64_t(tag))
	<-gate
	return uint64(out.id), Status(out.status)
}

// batch is what one crossing brings: its memory is C's to write while take runs.
type batch struct {
	native C.plqgo_batch
	buffer []byte
}

// takeMost is how many completions a batch holds.
const takeMost = C.PLQGO_TAKE

// take fills the batch with what is ready, at most so many, and waits for the first.
func (q nativeQueue) take(b *batch, wait time.Duration, most int) Status {
	C.plqgo_take(q.id, C.int64_t(wait/time.Millisecond), C.int32_t(most), (*C.uint8_t)(unsafe.Pointer(&b.buffer[0])), C.size_t(len(b.buffer)), &b.native)
	return Status(b.native.status)
}

func (b *batch) count() int { return int(b.native.count) }
func (b *batch) need() int  { return int(b.native.need) }
func (b *batch) at(i int) (tag uint64, reply []byte) {
	taken := &b.native.taken[i]
	return uint64(taken.tag), b.buffer[taken.offset : taken.offset+taken.len]
}

func (q nativeQueue) cancel(id uint64) {
	gate <- struct{}{}
	C.plq_queue_cancel(q.id, C.uint64_t(id))
	<-gate
}

func (q nativeQueue) close(cancel bool) {
	var how C.int32_t
	if cancel {
		how = 1
	}
	C.plq_queue_close(q.id, how)
}

func (q nativeQueue) warm(count int, timeoutMS int64) (open int, err error) {
	made := C.plqgo_queue_warm(q.id, C.uint32_t(count), C.int64_t(timeoutMS))
	return int(made.id), failure(made)
}

func (q nativeQueue) free() { C.plq_queue_free(q.id) }

// ---- secrets ----

type nativeSecret struct{ at *C.plq_secret }

// claimSecret takes over the secret that a reply named.
func claimSecret(handle uint64) (nativeSecret, Status) {
	gate <- struct{}{}
	made := C.plqgo_secret_claim(C.plq_secret_id(handle))
	<-gate
	return nativeSecret{(*C.plq_secret)(made.object)}, Status(made.status)
}

// read shows the library's own bytes, which live until the secret is taken or freed.
func (s nativeSecret) read() ([]byte, Status) {
	out := C.plqgo_secret_read(s.at)
	if out.status != C.PLQ_OK {
		return nil, Status(out.status)
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(out.at)), int(out.len)), StatusOK
}

func (s nativeSecret) take() ([]byte, Status) {
	shown, status := s.read()
	if status != StatusOK {
		return nil, status
	}
	bytes := make([]byte, len(shown)+1) // one more, so that there is always a first byte to point at
	gate <- struct{}{}
	out := C.plqgo_secret_take(s.at, (*C.char)(unsafe.Pointer(&bytes[0])), C.size_t(len(bytes)))
	<-gate
	runtime.KeepAlive(bytes)
	return bytes[:out.len], Status(out.status)
}

func (s nativeSecret) free() {
	gate <- struct{}{}
	C.plq_secret_free(s.at)
	<-gate
}
