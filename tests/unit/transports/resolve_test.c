/* SPDX-License-Identifier: MIT */
/* Addresses as text, presets, look-ups that are shared, remembered and abandoned. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "standin.h"
#include "support.h"

/* ---- the name service of this process ---- */

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool held;           /* names that begin with "held" are answered once it is false */
  _Atomic int asked;   /* look-ups that began */
  _Atomic int inside;  /* .. and have not ended */
  _Atomic int signals; /* look-ups on a thread that could be interrupted */
} service = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void hold(bool held) {
  pthread_mutex_lock(&service.lock);
  service.held = held;
  pthread_cond_broadcast(&service.changed);
  pthread_mutex_unlock(&service.lock);
}

static struct addrinfo *row_of(const char *text, struct addrinfo *next) {
  plqt_address address;
  struct addrinfo *item = calloc(1, sizeof *item);
  void *at = calloc(1, sizeof address.at);
  if (item == NULL || at == NULL || !plqt_address_read(text, 0, &address)) abort();
  memcpy(at, &address.at, address.len);
  item->ai_family = address.at.any.sa_family;
  item->ai_addr = at;
  item->ai_addrlen = address.len;
  item->ai_next = next;
  return item;
}

static struct addrinfo *many(int count) {
  struct addrinfo *list = NULL;
  char text[32];
  while (count-- > 0) {
    snprintf(text, sizeof text, "127.0.1.%d", count);
    list = row_of(text, list);
  }
  return list;
}

/* Of a kind that nobody asked for. */
static struct addrinfo *strange(void) {
  struct addrinfo *item = row_of("127.0.0.9", NULL);
  item->ai_family = item->ai_addr->sa_family = AF_UNIX;
  return item;
}

static int answer(const char *name, struct addrinfo **out) {
  *out = NULL;
  if (strcmp(name, "none.test") == 0) return EAI_NONAME;
  if (strcmp(name, "later.test") == 0) return EAI_AGAIN;
  if (strcmp(name, "memory.test") == 0) return EAI_MEMORY;
  if (strcmp(name, "fail.test") == 0) return EAI_FAIL;
  if (strcmp(name, "system.test") == 0) return errno = EIO, EAI_SYSTEM;
  if (strcmp(name, "files.test") == 0) return errno = EMFILE, EAI_NONAME;
  if (strcmp(name, "stale-errno.test") == 0) return errno = ENOENT, EAI_NONAME;
  if (strcmp(name, "strange.test") == 0) return *out = strange(), 0;
  if (strcmp(name, "twice.test") == 0)
    return *out = row_of("::1", row_of("127.0.0.2", row_of("::1", row_of("127.0.0.1", row_of("127.0.0.2", strange()))))), 0;
  return *out = many(strcmp(name, "many.test") == 0 ? 40 : 1), 0;
}

TEST_STANDIN int getaddrinfo(const char *name, const char *wanted, const struct addrinfo *hints, struct addrinfo **out) {
  sigset_t mask;
  (void)wanted, (void)hints;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  if (!sigismember(&mask, SIGTERM) || !sigismember(&mask, SIGALRM)) service.signals++;
  service.inside++;
  service.asked++;
  pthread_mutex_lock(&service.lock);
  while (service.held && strncmp(name, "held", 4) == 0) pthread_cond_wait(&service.changed, &service.lock);
  pthread_mutex_unlock(&service.lock);
  int code = answer(name, out);
  service.inside--;
  return code;
}

TEST_STANDIN void freeaddrinfo(struct addrinfo *list) {
  while (list != NULL) {
    struct addrinfo *next = list->ai_next;
    free(list->ai_addr);
    free(list);
    list = next;
  }
}

/* ---- what the tests share ---- */

static plqt_fds fds;
static plqt_resolver *resolver;

static int set_up(void **state) {
  (void)state;
  hold(false);
  service.asked = 0;
  plqt_fds_init(&fds);
  resolver = plqt_resolver_new(&fds);
  return resolver == NULL;
}

static int tear_down(void **state) {
  (void)state;
  plqt_resolver_release(resolver);
  hold(false);
  WAIT_UNTIL(service.inside == 0);
  int known = 0;
  for (int i = 0; i < PLQT_FD_BLOCK; i++) known += atomic_load(&fds.slots[i]) != -1;
  plqt_fds_clear(&fds);
  return known + service.signals;
}

static plqt_lookup *start(const char *name, uint32_t port) {
  int32_t status;
  int os_errno;
  plqt_lookup *lookup = plqt_lookup_start(resolver, name, port, &status, &os_errno);
  assert_non_null(lookup);
  assert_int_equal(status, PLQ_OK);
  return lookup;
}

static int32_t finish(plqt_lookup *lookup, plqt_addresses *out, int *out_errno, int *out_code) {
  struct pollfd ready = {.fd = plqt_lookup_fd(lookup), .events = POLLIN};
  int32_t status = -1;
  assert_int_equal(poll(&ready, 1, -1), 1);
  assert_true(plqt_lookup_result(resolver, lookup, out, &status, out_errno, out_code));
  plqt_lookup_leave(resolver, lookup);
  return status;
}

static int32_t ask(const char *name, uint32_t port, plqt_addresses *out) {
  int os_errno, code;
  return finish(start(name, port), out, &os_errno, &code);
}

static bool cached(const char *name, uint32_t port, plqt_addresses *out) {
  return plqt_resolver_cached(resolver, name, port, host_now(NULL), out);
}

static const char *text_of(const plqt_address *address) {
  static char text[64];
  plqt_address_write(address, text, sizeof text);
  return text;
}

/* ---- addresses ---- */

static void addresses_as_text(void **state) {
  static const struct {
    const char *in, *out; /* out NULL: it is none */
    int family;
  } rows[] = {
      {"127.0.0.1", "127.0.0.1", AF_INET},
      {"::1", "::1", AF_INET6},
      {"2001:DB8:0:0::1", "2001:db8::1", AF_INET6},
      {"::ffff:127.0.0.1", "::ffff:127.0.0.1", AF_INET6},
      {"", NULL, 0},
      {"localhost", NULL, 0},
      {"127.1", NULL, 0},
      {"0x7f.0.0.1", NULL, 0},
      {"127.0.0.1 ", NULL, 0},
      {"127.0.0.256", NULL, 0},
      {"[::1]", NULL, 0},
      {"fe80::1%lo", NULL, 0},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    plqt_address address;
    EXPECT_ROW(plqt_address_read(rows[i].in, 443, &address) == (rows[i].out != NULL), rows[i].in);
    if (rows[i].out == NULL) continue;
    EXPECT_ROW(address.at.any.sa_family == rows[i].family, rows[i].in);
    EXPECT_ROW(address.len == (rows[i].family == AF_INET ? sizeof address.at.v4 : sizeof address.at.v6), rows[i].in);
    EXPECT_ROW(strcmp(text_of(&address), rows[i].out) == 0, text_of(&address));
    EXPECT_ROW(ntohs(rows[i].family == AF_INET ? address.at.v4.sin_port : address.at.v6.sin6_port) == 443, rows[i].in);
  }
  expect_rows_end();
}

static void addresses_that_cannot_be_written(void **state) {
  plqt_address none = {0}, good;
  char small[4];
  (void)state;
  assert_string_equal(text_of(&none), "?");
  assert_true(plqt_address_read("127.0.0.1", 1, &good));
  plqt_address_write(&good, small, sizeof small);
  assert_string_equal(small, "?");
}

/* ---- presets ---- */

static void presets(void **state) {
  static const struct {
    const char *list, *name;
    uint32_t port;
    const char *out; /* NULL: it is not known */
  } rows[] = {
      {"a.test:443:127.0.0.1", "a.test", 443, "127.0.0.1"},
      {"a.test:443:127.0.0.1", "A.Test", 443, "127.0.0.1"},
      {"a.test:443:127.0.0.1", "a.test", 444, NULL},
      {"a.test:443:127.0.0.1", "b.a.test", 443, NULL},
      {"a.test:443:127.0.0.1", "a.tes", 443, NULL},
      {"a.test:443:::1", "a.test", 443, "::1"},
      {"a.test:443:[::1]", "a.test", 443, "::1"},
      {"a.test:65535:127.0.0.1", "a.test", 65535, "127.0.0.1"},
      {"a.test:1:127.0.0.1,b.test:2:127.0.0.2", "b.test", 2, "127.0.0.2"},
      {",a.test:1:127.0.0.1,,", "a.test", 1, "127.0.0.1"},
      {"", "a.test", 1, NULL},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    plqt_addresses found = {0};
    plq_transport_error error = {.struct_size = sizeof error};
    plqt_resolver_release(resolver);
    resolver = plqt_resolver_new(&fds);
    assert_non_null(resolver);
    EXPECT_ROW(plqt_resolver_preset(resolver, rows[i].list, &error) == PLQ_OK, rows[i].list);
    bool known = cached(rows[i].name, rows[i].port, &found);
    EXPECT_ROW(known == (rows[i].out != NULL), rows[i].list);
    if (!known || rows[i].out == NULL) continue;
    EXPECT_ROW(found.count == 1 && strcmp(text_of(&found.rows[0]), rows[i].out) == 0, rows[i].list);
    EXPECT_ROW(ntohs(found.rows[0].at.v4.sin_port) == rows[i].port, rows[i].list);
  }
  expect_rows_end();
  assert_int_equal(service.asked, 0);
}

static void presets_that_are_wrong(void **state) {
  static const char *const rows[] = {
      "a.test",
      "a.test:443",
      "a.test:443:",
      ":443:127.0.0.1",
      "a.test:0:127.0.0.1",
      "a.test:65536:127.0.0.1",
      "a.test:x:::1",
      "a.test:443:b.test",
      "a.test:443:[]",
      "a.test:443:[::1",
      "a.test:443:::1]",
      "a.test:443:127.0.0.1:1",
      "a.test:443:127",
      "a.test:443:[127.0.0.1]x",
      "a.test:443:127.0.0.1,b.test",
      "a.test:443:[,b.test:1:::1]",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_transport_error error = {.struct_size = sizeof error};
    struct plq__text list = exact((struct plq__text){rows[i], strlen(rows[i]) + 1});
    EXPECT_ROW(plqt_resolver_preset(resolver, list.at, &error) == PLQ_E_OPTION_VALUE, rows[i]);
    EXPECT_ROW(error.status == PLQ_E_OPTION_VALUE && strstr(error.message, "is not host:port:address") != NULL, rows[i]);
    free((void *)(uintptr_t)list.at);
  }
  expect_rows_end();
}

/* All addresses of a host and port, in the order given, and not more than a look-up could give. */
static void presets_of_several_addresses(void **state) {
  char list[1024] = "a.test:1:127.0.0.1,b.test:1:127.0.0.9,A.test:1:::1,a.test:2:127.0.0.8,a.test:1:127.0.0.2";
  plqt_addresses found;
  plq_transport_error error = {.struct_size = sizeof error};
  (void)state;
  assert_int_equal(plqt_resolver_preset(resolver, list, &error), PLQ_OK);
  assert_true(cached("a.test", 1, &found));
  assert_int_equal(found.count, 3);
  assert_string_equal(text_of(&found.rows[0]), "127.0.0.1");
  assert_string_equal(text_of(&found.rows[1]), "::1");
  assert_string_equal(text_of(&found.rows[2]), "127.0.0.2");
  list[0] = '\0';
  for (int i = 0; i < PLQT_ADDRESSES_MAX; i++) snprintf(list + strlen(list), sizeof list - strlen(list), "c.test:1:127.0.0.%d,", i + 1);
  assert_int_equal(plqt_resolver_preset(resolver, list, &error), PLQ_OK);
  assert_true(cached("c.test", 1, &found));
  assert_int_equal(found.count, PLQT_ADDRESSES_MAX);
  assert_int_equal(plqt_resolver_preset(resolver, "c.test:1:127.0.1.1", &error), PLQ_E_OPTION_VALUE);
  assert_non_null(strstr(error.message, "at most"));
}

/* Names are kept to 255 characters, addresses to fewer: neither is cut. */
static void presets_that_are_long(void **state) {
  char list[600], name[400];
  plqt_addresses found;
  plq_transport_error error = {.struct_size = sizeof error};
  (void)state;
  memset(name, 'n', sizeof name);
  name[255] = '\0';
  snprintf(list, sizeof list, "%s:1:127.0.0.1", name);
  assert_int_equal(plqt_resolver_preset(resolver, list, &error), PLQ_OK);
  assert_true(cached(name, 1, &found));
  snprintf(list, sizeof list, "%sn:1:127.0.0.1", name);
  assert_int_equal(plqt_resolver_preset(resolver, list, &error), PLQ_E_OPTION_VALUE);
  snprintf(list, sizeof list, "a.test:1:%s", name);
  assert_int_equal(plqt_resolver_preset(resolver, list, &error), PLQ_E_OPTION_VALUE);
}

/* ---- look-ups ---- */

/* In the system's order, each once, with the port, and no more than there is room for. */
static void gives_addresses(void **state) {
  static const char *const order[] = {"::1", "127.0.0.2", "127.0.0.1"};
  plqt_addresses found;
  (void)state;
  assert_int_equal(ask("twice.test", 8443, &found), PLQ_OK);
  assert_int_equal(found.count, COUNT(order));
  for (size_t i = 0; i < COUNT(order); i++) {
    assert_string_equal(text_of(&found.rows[i]), order[i]);
    assert_int_equal(ntohs(found.rows[i].at.v4.sin_port), 8443); /* where sin6_port is, too */
  }
  assert_int_equal(ask("many.test", 1, &found), PLQ_OK);
  assert_int_equal(found.count, PLQT_ADDRESSES_MAX);
  assert_string_equal(text_of(&found.rows[PLQT_ADDRESSES_MAX - 1]), "127.0.1.15");
}

static void tells_what_failed(void **state) {
  static const struct {
    const char *name;
    int32_t status;
    int code, os_errno;
  } rows[] = {
      {"none.test", PLQ_E_RESOLVE_NOT_FOUND, EAI_NONAME, 0},  {"stale-errno.test", PLQ_E_RESOLVE_NOT_FOUND, EAI_NONAME, 0},
      {"strange.test", PLQ_E_RESOLVE_NOT_FOUND, 0, 0},        {"later.test", PLQ_E_RESOLVE_TEMPORARY, EAI_AGAIN, 0},
      {"memory.test", PLQ_E_MEMORY, EAI_MEMORY, 0},           {"fail.test", PLQ_E_RESOLVE_FAILED, EAI_FAIL, 0},
      {"system.test", PLQ_E_RESOLVE_FAILED, EAI_SYSTEM, EIO}, {"files.test", PLQ_E_RESOURCE_DESCRIPTORS, EAI_NONAME, EMFILE},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    plqt_addresses found;
    int os_errno, code;
    EXPECT_ROW(finish(start(rows[i].name, 1), &found, &os_errno, &code) == rows[i].status, rows[i].name);
    EXPECT_ROW(code == rows[i].code && os_errno == rows[i].os_errno, rows[i].name);
    EXPECT_ROW(found.count == 0 && !cached(rows[i].name, 1, &found), rows[i].name);
  }
  expect_rows_end();
}

static void remembers_for_a_minute(void **state) {
  plqt_addresses found;
  (void)state;
  assert_false(cached("good.test", 443, &found));
  assert_int_equal(ask("good.test", 443, &found), PLQ_OK);
  int64_t now = host_now(NULL);
  memset(&found, 0, sizeof found);
  assert_true(plqt_resolver_cached(resolver, "GOOD.test", 443, now, &found));
  assert_int_equal(found.count, 1);
  assert_string_equal(text_of(&found.rows[0]), "127.0.1.0");
  assert_false(plqt_resolver_cached(resolver, "good.test", 444, now, &found));
  assert_false(plqt_resolver_cached(resolver, "good.test", 443, now + PLQT_CACHE_NS, &found));
}

/* What is remembered has an end: the oldest goes. A name that is looked up again takes its own place. */
static void remembers_a_few(void **state) {
  plqt_addresses found;
  char name[32];
  int known = 0;
  (void)state;
  for (int round = 0; round < 3; round++) assert_int_equal(ask("again.test", 1, &found), PLQ_OK);
  for (int i = 0; i < 7; i++) {
    snprintf(name, sizeof name, "n%d.test", i);
    assert_int_equal(ask(name, 1, &found), PLQ_OK);
  }
  assert_true(cached("again.test", 1, &found));
  assert_int_equal(ask("last.test", 1, &found), PLQ_OK);
  assert_false(cached("again.test", 1, &found));
  for (int i = 0; i < 7; i++) {
    snprintf(name, sizeof name, "n%d.test", i);
    known += cached(name, 1, &found);
  }
  assert_int_equal(known, 7);
  assert_true(cached("last.test", 1, &found));
}

static void a_preset_comes_first(void **state) {
  plqt_addresses found;
  plq_transport_error error = {.struct_size = sizeof error};
  (void)state;
  assert_int_equal(plqt_resolver_preset(resolver, "good.test:1:::1", &error), PLQ_OK);
  assert_int_equal(ask("good.test", 1, &found), PLQ_OK);
  assert_true(plqt_resolver_cached(resolver, "good.test", 1, host_now(NULL) + 10 * PLQT_CACHE_NS, &found));
  assert_string_equal(text_of(&found.rows[0]), "::1");
}

static void is_shared(void **state) {
  plqt_addresses found;
  int32_t status;
  int os_errno, code;
  (void)state;
  hold(true);
  plqt_lookup *first = start("held.test", 1), *second = start("held.test", 1), *other = start("held.test", 2);
  assert_ptr_equal(first, second);
  assert_ptr_not_equal(first, other);
  assert_false(plqt_lookup_result(resolver, first, &found, &status, &os_errno, &code));
  plqt_lookup_leave(resolver, first); /* the other one still waits */
  hold(false);
  assert_int_equal(finish(second, &found, &os_errno, &code), PLQ_OK);
  assert_int_equal(finish(other, &found, &os_errno, &code), PLQ_OK);
  assert_int_equal(ntohs(found.rows[0].at.v4.sin_port), 2);
  assert_int_equal(service.asked, 2);
}

/* Threads that nobody waits for any more are counted: a dead name service does not fill the process with them. */
static void abandons_a_few(void **state) {
  plqt_addresses found;
  int32_t status;
  int os_errno;
  char name[32];
  (void)state;
  hold(true);
  for (int i = 0; i < PLQT_ABANDONED_MAX; i++) {
    snprintf(name, sizeof name, "held%d.test", i);
    plqt_lookup_leave(resolver, start(name, 1));
  }
  assert_null(plqt_lookup_start(resolver, "one-more.test", 1, &status, &os_errno));
  assert_int_equal(status, PLQ_E_RESOURCE_SYSTEM);
  /* One that is back in use is not abandoned. */
  plqt_lookup *back = start("held0.test", 1);
  assert_int_equal(ask("one-more.test", 1, &found), PLQ_OK);
  hold(false);
  int code;
  assert_int_equal(finish(back, &found, &os_errno, &code), PLQ_OK);
  /* The others have ended, and what they found is of use. */
  WAIT_UNTIL(cached("held1.test", 1, &found) && cached("held2.test", 1, &found) && cached("held3.test", 1, &found));
  assert_int_equal(ask("another.test", 1, &found), PLQ_OK);
  assert_int_equal(service.asked, PLQT_ABANDONED_MAX + 2);
}

/* The instance goes while a thread still runs: it must not touch what is the instance's. */
static void outlives_its_instance(void **state) {
  (void)state;
  hold(true);
  plqt_lookup_leave(resolver, start("held.test", 1));
  WAIT_UNTIL(service.inside == 1);
  plqt_resolver_release(resolver);
  resolver = NULL;
  plqt_fds_clear(&fds);
  plqt_fds_init(&fds);
  hold(false);
  WAIT_UNTIL(service.inside == 0);
}

/* ---- threads ---- */

enum { THREADS = 6, ROUNDS = 60 };

static void *ask_often(void *argument) {
  _Atomic int *wrong = argument;
  for (int i = 0; i < ROUNDS; i++) {
    char name[32];
    plqt_addresses found;
    int32_t status;
    int os_errno, code;
    snprintf(name, sizeof name, "n%d.test", i % 10);
    if (plqt_resolver_cached(resolver, name, 1, 0, &found)) *wrong += found.count != 1;
    plqt_lookup *lookup = plqt_lookup_start(resolver, name, 1, &status, &os_errno);
    if (lookup == NULL) {
      *wrong += status != PLQ_E_RESOURCE_SYSTEM; /* too many abandoned ones still run */
      continue;
    }
    struct pollfd ready = {.fd = plqt_lookup_fd(lookup), .events = POLLIN};
    if (i % 3 != 0) {
      if (poll(&ready, 1, -1) != 1 || !plqt_lookup_result(resolver, lookup, &found, &status, &os_errno, &code)) (*wrong)++;
      *wrong += status != PLQ_OK || found.count != 1;
    }
    plqt_lookup_leave(resolver, lookup);
  }
  return NULL;
}

static void many_at_once(void **state) {
  static _Atomic int wrong;
  pthread_t threads[THREADS];
  (void)state;
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &wrong), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(wrong, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(addresses_as_text),
      CASE(addresses_that_cannot_be_written),
      CASE(presets),
      CASE(presets_of_several_addresses),
      CASE(presets_that_are_wrong),
      CASE(presets_that_are_long),
      CASE(gives_addresses),
      CASE(tells_what_failed),
      CASE(remembers_for_a_minute),
      CASE(remembers_a_few),
      CASE(a_preset_comes_first),
      CASE(is_shared),
      CASE(abandons_a_few),
      CASE(outlives_its_instance),
      CASE(many_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
