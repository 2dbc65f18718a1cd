/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct loop_answer loop_answers[8];
_Atomic bool loop_at_once, loop_stuck, loop_signals_blocked, loop_elsewhere;
_Atomic int loop_instances, loop_submits, loop_drives, loop_wakes, loop_cancels, loop_running, loop_most_running, loop_prewarms;
_Atomic int32_t loop_drive_fails;
void (*loop_before_drive)(void);
_Atomic int64_t loop_deadline_ns, loop_clock_ns;
char loop_authorization[128];

typedef struct operation {
  struct operation *next;
  const plq_transport_request *request;
  const plq_transport_sink *sink;
  int number;
  bool let, cancelled;
} operation;

struct plq_transport_instance {
  const plq_transport_host *host;
  operation *operations;
  int event_fd;
};

/* One lock for all: instances are few. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static plq_transport_instance *instances[64];
static uint64_t let; /* a bit for each number that may end */
static int next_answer;
static _Atomic int next_secret;
static pthread_t test_thread;

static void touch(const plq_transport_instance *self) {
  uint64_t one = 1;
  if (write(self->event_fd, &one, sizeof one) < 0 && errno != EAGAIN) abort();
}

static bool may_end(const operation *op) {
  return (op->cancelled && !loop_stuck) || op->let || loop_at_once || (op->number < 64 && let >> op->number & 1);
}

/* ---- reporting ---- */

static void line(const plq_transport_sink *sink, const char *text) { sink->on_line(sink->context, text, strlen(text)); }

static void fail_with(const plq_transport_sink *sink, int32_t status, int32_t phase, int32_t delivery) {
  plq_transport_error error = {.struct_size = sizeof error, .status = status, .phase = phase, .delivery = delivery};
  sink->on_done(sink->context, &error, NULL);
}

static void respond(const plq_transport_sink *sink, const struct loop_answer *answer) {
  static const uint32_t good = PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED;
  plq_transport_connection connection = {.struct_size = sizeof connection, .known = good | PLQ_FACT_REUSED, .flags = good | PLQ_FACT_REUSED};
  plq_transport_transfer transfer = {.struct_size = sizeof transfer, .bytes_sent = 10, .bytes_received = 20};
  char status[64], body[128];
  if (sink->on_connected(sink->context, &connection) != 0) {
    fail_with(sink, PLQ_E_CANCELLED, PLQ_PHASE_SEND, PLQ_DELIVERY_NOT_SENT);
    return;
  }
  snprintf(status, sizeof status, "HTTP/1.1 %d X\r\n", answer->http_status != 0 ? answer->http_status : 200);
  snprintf(body, sizeof body, "{\"clientSecret\":\"test-secret-%d\"}", next_secret++);
  line(sink, status);
  if (answer->fields != NULL) line(sink, answer->fields);
  line(sink, "\r\n");
  const char *text = answer->body != NULL ? answer->body : body;
  sink->on_body(sink->context, (const uint8_t *)text, strlen(text));
  sink->on_done(sink->context, NULL, &transfer);
}

static void end(const plq_transport_host *host, const operation *op) {
  static const struct loop_answer good = {0};
  if (op->cancelled) {
    fail_with(op->sink, PLQ_E_CANCELLED, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT);
    return;
  }
  pthread_mutex_lock(&lock);
  const struct loop_answer *answer = next_answer < (int)COUNT(loop_answers) ? &loop_answers[next_answer++] : &good;
  pthread_mutex_unlock(&lock);
  if (answer->logs != NULL && host->log_level(host->context) <= PLQ_LOG_WARNING)
    host->log(host->context, PLQ_LOG_WARNING, answer->logs, strlen(answer->logs));
  if (answer->failure != PLQ_OK)
    fail_with(op->sink, answer->failure, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT);
  else
    respond(op->sink, answer);
}

static void see(const plq_transport_request *request) {
  loop_deadline_ns = request->deadline_ns;
  for (size_t i = 0; i < request->header_count; i++)
    if (strcmp(request->headers[i].name, "Authorization") == 0)
      snprintf(loop_authorization, sizeof loop_authorization, "%.*s", (int)request->headers[i].value_len, request->headers[i].value);
}

/* ---- functions ---- */

static int32_t create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error, plq_transport_instance **out_instance) {
  (void)values, (void)count, (void)stride;
  plq_transport_instance *self = host->alloc(host->context, sizeof *self);
  if (self == NULL) return error->status = PLQ_E_MEMORY;
  *self = (plq_transport_instance){.host = host, .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < COUNT(instances); i++) {
    if (instances[i] != NULL) continue;
    instances[i] = self;
    break;
  }
  pthread_mutex_unlock(&lock);
  loop_instances++;
  *out_instance = self;
  return PLQ_OK;
}

static int32_t submit(plq_transport_instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                      plq_transport_error *error) {
  operation *op = self->host->alloc(self->host->context, sizeof *op), **at = &self->operations;
  if (op == NULL) return error->status = PLQ_E_MEMORY;
  *op = (operation){.request = request, .sink = sink, .number = loop_submits++};
  see(request);
  pthread_mutex_lock(&lock);
  while (*at != NULL) at = &(*at)->next;
  *at = op;
  pthread_mutex_unlock(&lock);
  touch(self);
  return PLQ_OK;
}

static int32_t event_fd(plq_transport_instance *self) { return self->event_fd; }

static operation *take_ending(plq_transport_instance *self) {
  pthread_mutex_lock(&lock);
  operation **at = &self->operations, *found = NULL;
  while (*at != NULL && !may_end(*at)) at = &(*at)->next;
  if ((found = *at) != NULL) *at = found->next;
  pthread_mutex_unlock(&lock);
  return found;
}

static void wait_until(plq_transport_instance *self, int64_t until_ns) {
  struct pollfd ready = {.fd = self->event_fd, .events = POLLIN};
  int64_t left_ns = until_ns - self->host->now_ns(self->host->context);
  if (left_ns < 0) left_ns = 0;
  const struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000), .tv_nsec = (long)(left_ns % 1000000000)};
  ppoll(&ready, 1, until_ns == INT64_MAX ? NULL : &left, NULL);
}

static int32_t drive(plq_transport_instance *self, int64_t until_ns) {
  uint64_t count;
  loop_drives++;
  if (loop_drive_fails != PLQ_OK) return loop_drive_fails;
  if (loop_before_drive != NULL) {
    void (*then)(void) = loop_before_drive;
    loop_before_drive = NULL;
    then();
  }
  wait_until(self, until_ns);
  ssize_t got = read(self->event_fd, &count, sizeof count);
  (void)got;
  operation *op;
  while ((op = take_ending(self)) != NULL) {
    end(self->host, op);
    self->host->free(self->host->context, op);
  }
  return PLQ_OK;
}

static void wake(plq_transport_instance *self) {
  loop_wakes++;
  touch(self);
}

static void cancel(plq_transport_instance *self, uint64_t id) {
  pthread_mutex_lock(&lock);
  for (operation *op = self->operations; op != NULL; op = op->next) {
    if (op->request->op != id) continue;
    op->cancelled = true;
    loop_cancels++;
  }
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  touch(self);
}

static void note_thread(void) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  loop_signals_blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGUSR1) == 1 && sigismember(&mask, SIGINT) == 1;
  loop_elsewhere = !pthread_equal(pthread_self(), test_thread);
}

static int32_t perform(plq_transport_instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                       plq_transport_error *error) {
  operation op = {.request = request, .sink = sink};
  (void)error;
  note_thread();
  pthread_mutex_lock(&lock);
  op.number = loop_submits++;
  see(request);
  op.next = self->operations;
  self->operations = &op;
  if (++loop_running > loop_most_running) loop_most_running = loop_running;
  op.cancelled = sink->is_cancelled(sink->context);
  while (!may_end(&op)) pthread_cond_wait(&changed, &lock);
  operation **at = &self->operations;
  while (*at != &op) at = &(*at)->next;
  *at = op.next;
  loop_running--;
  pthread_mutex_unlock(&lock);
  end(self->host, &op);
  return PLQ_OK;
}

static int32_t prewarm(plq_transport_instance *self, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                       uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  (void)self, (void)target, (void)deadline_ns, (void)op, (void)sink, (void)error;
  loop_prewarms++;
  *out_open = count;
  return PLQ_OK;
}

static void destroy(plq_transport_instance *self) {
  while (self->operations != NULL) {
    operation *op = self->operations;
    self->operations = op->next;
    fail_with(op->sink, PLQ_E_CANCELLED, PLQ_PHASE_WAIT, PLQ_DELIVERY_MAYBE_SENT);
    self->host->free(self->host->context, op);
  }
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < COUNT(instances); i++)
    if (instances[i] == self) instances[i] = NULL;
  pthread_mutex_unlock(&lock);
  close(self->event_fd);
  self->host->free(self->host->context, self);
  loop_instances--;
}

static void abandon(plq_transport_instance *self) { close(self->event_fd); }

static int64_t now_ns(plq_transport_instance *self) {
  (void)self;
  return loop_clock_ns;
}

static void sleep_until_ns(plq_transport_instance *self, int64_t until_ns) {
  (void)self;
  if (until_ns > loop_clock_ns) loop_clock_ns = until_ns;
}

static const void *get_extension(const char *id) {
  static const plq_transport_clock clock = {.struct_size = sizeof clock, .now_ns = now_ns, .sleep_until_ns = sleep_until_ns};
  return strcmp(id, PLQ_EXTENSION_CLOCK) == 0 ? &clock : NULL;
}

static const plq_transport_functions async_functions = {.struct_size = sizeof async_functions,
                                                        .create = create,
                                                        .submit = submit,
                                                        .event_fd = event_fd,
                                                        .drive = drive,
                                                        .wake = wake,
                                                        .cancel = cancel,
                                                        .prewarm = prewarm,
                                                        .destroy = destroy,
                                                        .abandon_after_fork = abandon};
static const plq_transport_functions blocking_functions = {.struct_size = sizeof blocking_functions,
                                                           .create = create,
                                                           .perform = perform,
                                                           .cancel = cancel,
                                                           .prewarm = prewarm,
                                                           .destroy = destroy,
                                                           .abandon_after_fork = abandon};

#define DESCRIPTOR(name_, class_, capabilities_, functions_, extension_)                                                           \
  {                                                                                                                                \
    .struct_size = sizeof(plq_transport), .deployment_class = class_, .capabilities = (capabilities_) | PLQ_CAP_SEND_STATE,        \
    .id = "org.example." name_, .name = name_, .version = "1", .vendor = "tests", .license = "MIT", .stack = "none",               \
    .option_stride = sizeof(plq_transport_option), .functions = &functions_, .get_extension = extension_                           \
  }
#define ENTRY(function, ...)                                                                                                       \
  static int32_t function(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {       \
    static const plq_transport descriptor = DESCRIPTOR(__VA_ARGS__);                                                               \
    (void)host, (void)error;                                                                                                       \
    *out_transport = &descriptor;                                                                                                  \
    return PLQ_OK;                                                                                                                 \
  }
ENTRY(enter_loop, "loop", PLQ_CLASS_PRODUCTION, PLQ_CAP_ASYNC | PLQ_CAP_PREWARM | PLQ_CAP_FORK_ABANDON, async_functions, NULL)
ENTRY(enter_virtual, "loop-virtual", PLQ_CLASS_TEST, PLQ_CAP_ASYNC, async_functions, get_extension)
ENTRY(enter_block, "block", PLQ_CLASS_PRODUCTION, PLQ_CAP_BLOCKING | PLQ_CAP_CONCURRENT, blocking_functions, NULL)
ENTRY(enter_block_one, "block-one", PLQ_CLASS_PRODUCTION, PLQ_CAP_BLOCKING | PLQ_CAP_PREWARM, blocking_functions, NULL)

int loop_reset(void **state) {
  static const plq_transport_entry_fn entries[] = {enter_loop, enter_virtual, enter_block, enter_block_one};
  (void)state;
  for (size_t i = 0; i < COUNT(entries); i++)
    if (plq_transport_register_static(entries[i], NULL) != PLQ_OK) return 1;
  memset(loop_answers, 0, sizeof loop_answers);
  let = 0;
  next_answer = 0;
  test_thread = pthread_self();
  loop_at_once = loop_stuck = false;
  loop_submits = loop_drives = loop_wakes = loop_cancels = loop_most_running = loop_prewarms = 0;
  loop_drive_fails = PLQ_OK;
  loop_before_drive = NULL;
  loop_clock_ns = INT64_C(1000000000);
  loop_authorization[0] = '\0';
  return 0;
}

void loop_let(int number) {
  pthread_mutex_lock(&lock);
  let |= UINT64_C(1) << number;
  for (size_t i = 0; i < COUNT(instances); i++)
    if (instances[i] != NULL) touch(instances[i]);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

plq_client_id loop_client(const char *transport, ...) {
  static const char *const defaults[][2] = {{"allow_test_transports", "true"}, {"access_token", LOOP_TOKEN}, {"backoff_base_ms", "1"},
                                            {"backoff_cap_ms", "2"}};
  plq_options *made = NULL;
  plq_client_id client = 0;
  plq_error *error = NULL;
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &made, NULL), PLQ_OK);
  plq_options_set(made, "transport", PLQ_NUL, transport, PLQ_NUL, NULL);
  for (size_t i = 0; i < COUNT(defaults); i++) plq_options_set(made, defaults[i][0], PLQ_NUL, defaults[i][1], PLQ_NUL, NULL);
  va_list pairs;
  va_start(pairs, transport);
  for (const char *key = va_arg(pairs, const char *); key != NULL; key = va_arg(pairs, const char *))
    if (plq_options_set(made, key, PLQ_NUL, va_arg(pairs, const char *), PLQ_NUL, &error) != PLQ_OK)
      fail_msg("%s: %s", key, plq_error_message(error, NULL));
  va_end(pairs);
  if (plq_client_new(made, &client, &error) != PLQ_OK) fail_msg("plq_client_new: %s", plq_error_message(error, NULL));
  plq_options_free(made);
  return client;
}
