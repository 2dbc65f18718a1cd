/* SPDX-License-Identifier: MIT */
/* plastiq.chain/1: a test transport opens another one behind it, by the ordinary rules, and both end together. */
#include <plastiq/chain.h>
#include <sys/wait.h>

#include "plugins/counters.h"
#include "support.h"

struct plq_transport_instance {
  const plq_transport_host *host;
};

/* What the transport in front does in create, and what came of it. */
static struct {
  const char *name; /* to open; NULL: nothing */
  int opens;
  size_t room; /* struct_size of what open fills in; 0: the usual */
  bool fails_by_itself, keeps_going, forgets_to_close;
  int32_t status; /* of the last open */
  plq_transport_error error;
  plq_chained chained;
  int destroys, abandons;
  bool offered; /* the extension */
} front;

static const plq_chain *chain_of(const plq_transport_host *host) {
  return host->get_extension(host->context, PLQ_EXTENSION_CHAIN);
}

static int32_t create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error, plq_transport_instance **out_instance) {
  const plq_chain *chain = chain_of(host);
  (void)values, (void)count, (void)stride;
  front.offered = chain != NULL;
  for (int i = 0; i < front.opens && chain != NULL; i++) {
    front.chained = (plq_chained){.struct_size = front.room != 0 ? (uint32_t)front.room : (uint32_t)sizeof front.chained};
    front.error = (plq_transport_error){.struct_size = sizeof front.error};
    host->log(host->context, PLQ_LOG_INFO, "looking behind", 14);
    front.status = chain->open(host->context, front.name, strlen(front.name), &front.error, &front.chained);
    if (front.status != PLQ_OK && !front.keeps_going) {
      *error = front.error;
      return front.status;
    }
  }
  if (front.fails_by_itself) return error->status = PLQ_E_OPTION_VALUE;
  *out_instance = host->alloc(host->context, sizeof **out_instance);
  if (*out_instance == NULL) return error->status = PLQ_E_MEMORY;
  (*out_instance)->host = host;
  return PLQ_OK;
}

static void end(plq_transport_instance *instance) {
  const plq_chain *chain = chain_of(instance->host);
  if (chain != NULL && !front.forgets_to_close) chain->close(instance->host->context);
  instance->host->free(instance->host->context, instance);
}

static void destroy(plq_transport_instance *instance) {
  front.destroys++;
  end(instance);
}

static void abandon(plq_transport_instance *instance) {
  front.abandons++;
  end(instance);
}

static int64_t own_now(plq_transport_instance *instance) {
  (void)instance;
  return 1;
}

static void own_sleep(plq_transport_instance *instance, int64_t until_ns) {
  (void)instance;
  (void)until_ns;
}

static const plq_transport_clock own_clock = {.struct_size = sizeof own_clock, .now_ns = own_now, .sleep_until_ns = own_sleep};

static const void *get_extension(const char *id) {
  return strcmp(id, PLQ_EXTENSION_CLOCK) == 0 ? &own_clock : NULL;
}

static char no_path[] = "";
static struct plq__plugin plugin;
static plq_options *options;

static int setup(void **state) {
  (void)state;
  memset(&front, 0, sizeof front);
  front.name = "good";
  front.opens = 1;
  plugin = (struct plq__plugin){
      .transport = {.name = "front", .deployment_class = PLQ_CLASS_TEST, .get_extension = get_extension},
      .functions = {.create = create, .destroy = destroy, .abandon_after_fork = abandon},
      .path = no_path,
  };
  options = new_options();
  put(options, "transport_dir", TEST_PLUGINS);
  put(options, "transport_path_check", "false");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  plq__options_free(options);
  return 0;
}

static struct plq__instance *open_front(void) {
  struct plq__instance *instance = NULL;
  plq_error *error = NULL;
  int32_t status = plq__instance_new(&plugin, options, &instance, &error);
  if (status != PLQ_OK) fail_msg("%s: %s", plq_status_name(status), plq_error_message(error, NULL));
  return instance;
}

/* Makes the client's part fail, and says how. */
static void refused(int32_t status, const char *message, const char *field, const char *stage, const char *reason) {
  struct plq__instance *instance = NULL;
  plq_error *error = NULL;
  int32_t got = plq__instance_new(&plugin, options, &instance, &error);
  assert_null(instance);
  if (field != NULL) assert_string_equal(plq_error_field(error, NULL), field);
  if (reason != NULL) assert_true(log_has(error, stage, reason));
  assert_error(error, got, status, message);
  assert_int_equal(plq__instance_new(&plugin, options, &instance, NULL), status);
  assert_int_equal(front.destroys, 0);
  assert_null(plq__host_listener());
}

static struct test_counters *counters_of(const char *name) {
  const struct plq__plugin *loaded = NULL;
  assert_int_equal(plq__load(options, name, &loaded, NULL), PLQ_OK);
  return (struct test_counters *)(uintptr_t)loaded->transport.get_extension(TEST_EXTENSION);
}

/* ---- it works ---- */

static void opens_and_ends(void **state) {
  (void)state;
  struct plq__instance *instance = open_front();
  struct test_counters *counters = counters_of("good");
  int creates = counters->creates, destroys = counters->destroys;
  assert_string_equal(front.chained.name, "good");
  assert_string_equal(front.chained.version, "1.0");
  assert_string_equal(front.chained.stack, "");
  assert_int_equal(front.chained.capabilities, PLQ_CAP_BLOCKING);
  assert_int_equal(front.chained.deployment_class, PLQ_CLASS_PRODUCTION);
  assert_non_null(front.chained.instance);
  assert_non_null(front.chained.functions->perform);
  assert_ptr_not_equal(front.chained.instance, instance->transport);
  plq__instance_free(instance);
  assert_int_equal(counters->destroys, destroys + 1);
  assert_int_equal(front.destroys, 1);
  front.forgets_to_close = true; /* the core sees to it */
  plq__instance_free(open_front());
  assert_int_equal(counters->creates, creates + 1);
  assert_int_equal(counters->destroys, destroys + 2);
}

static void the_clock_is_that_of_the_last_link(void **state) {
  (void)state;
  struct plq__instance *instance = open_front();
  assert_null(instance->clock); /* real time, as for any production transport */
  plq__instance_free(instance);
  front.opens = 0;
  instance = open_front();
  assert_ptr_equal(instance->clock, &own_clock);
  assert_ptr_equal(instance->timed, instance->transport);
  plq__instance_free(instance);
}

static void options_reach_it(void **state) {
  (void)state;
  put(options, "good.speed", "3"); /* it has no options of its own */
  refused(PLQ_E_OPTION_UNKNOWN, "front: there is no option \"good.speed\"", "good.speed", NULL, NULL);
}

/* ---- it is refused ---- */

static void the_rules_of_loading_hold(void **state) {
  (void)state;
  front.name = "not-there";
  refused(PLQ_E_TRANSPORT_NOT_FOUND, "front: there is no transport \"not-there\"", "", "create", "looking behind");
  front.name = "foreign";
  refused(PLQ_E_TRANSPORT_FOREIGN, "front: ", "", "elf", "foreign");
  front.name = "../good";
  refused(PLQ_E_TRANSPORT_NAME, "is no name for a transport", "", NULL, NULL);
  front.name = "test";
  refused(PLQ_E_TRANSPORT_TEST_CLASS, "is a test transport", "allow_test_transports", NULL, NULL);
  put(options, "transport_allow", "front,test");
  front.name = "good";
  refused(PLQ_E_TRANSPORT_NOT_ALLOWED, "\"good\" is not allowed", "transport_allow", NULL, NULL);
}

static void its_own_failure_is_told_whole(void **state) {
  (void)state;
  struct test_counters *counters = counters_of("good");
  counters->create_status = PLQ_E_CLIENT_CERTIFICATE;
  refused(PLQ_E_CLIENT_CERTIFICATE, "front: good: the test said so", "", "create", "about to fail");
  assert_int_equal(front.error.status, PLQ_E_CLIENT_CERTIFICATE);
  assert_string_equal(front.error.message, "good: the test said so");
  counters->create_status = PLQ_OK;
}

/* One that could be opened ends again if the one in front fails for a reason of its own. */
static void a_failure_in_front_ends_both(void **state) {
  (void)state;
  struct test_counters *counters = counters_of("good");
  int destroys = counters->destroys;
  front.fails_by_itself = true;
  refused(PLQ_E_OPTION_VALUE, "front: ", "", NULL, NULL);
  assert_int_equal(counters->destroys, destroys + 2);
}

static void a_failure_that_was_passed_over_is_not_told(void **state) {
  (void)state;
  front.name = "not-there";
  front.keeps_going = true;
  plq__instance_free(open_front());
  front.fails_by_itself = true;
  front.destroys = 0;
  refused(PLQ_E_OPTION_VALUE, "front: ", "", NULL, NULL);
}

static void two_behind_one(void **state) {
  (void)state;
  front.opens = 2;
  refused(PLQ_E_UNSUPPORTED, "there is a transport behind this one already", "", NULL, NULL);
}

static void wrong_arguments(void **state) {
  (void)state;
  front.keeps_going = true;
  front.room = sizeof front.chained - 8;
  plq__instance_free(open_front());
  assert_int_equal(front.status, PLQ_E_ARGUMENT);
  front.room = 0;
  front.name = "";
  plq__instance_free(open_front());
  assert_int_equal(front.status, PLQ_E_ARGUMENT);
}

static void only_inside_create(void **state) {
  (void)state;
  front.opens = 0;
  struct plq__instance *instance = open_front();
  plq_chained chained = {.struct_size = sizeof chained};
  plq_transport_error error = {.struct_size = sizeof error};
  const plq_chain *chain = chain_of(&instance->host);
  assert_int_equal(chain->open(instance->host.context, "good", 4, &error, &chained), PLQ_E_REENTRANT);
  assert_int_equal(error.status, PLQ_E_REENTRANT);
  assert_int_equal(chain->open(NULL, "good", 4, NULL, &chained), PLQ_E_ARGUMENT);
  chain->close(instance->host.context); /* nothing is there */
  plq__instance_free(instance);
}

static void only_for_test_transports(void **state) {
  (void)state;
  plugin.transport.deployment_class = PLQ_CLASS_PRODUCTION;
  plq__instance_free(open_front());
  assert_false(front.offered);
  assert_null(plq__host_process()->get_extension(NULL, PLQ_EXTENSION_CHAIN));
}

/* ---- not behind itself, and no third link ---- */

static int32_t perform(plq_transport_instance *instance, const plq_transport_request *request, const plq_transport_sink *sink,
                       plq_transport_error *error) {
  (void)instance, (void)request, (void)sink;
  return error->status = PLQ_E_UNSUPPORTED;
}

static void cancel(plq_transport_instance *instance, uint64_t op) {
  (void)instance, (void)op;
}

static int32_t entry(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {
  static const plq_transport_functions functions = {.struct_size = sizeof functions,
                                                    .create = create,
                                                    .perform = perform,
                                                    .cancel = cancel,
                                                    .destroy = destroy,
                                                    .abandon_after_fork = abandon};
  static const plq_transport transport = {.struct_size = sizeof transport,
                                          .deployment_class = PLQ_CLASS_TEST,
                                          .capabilities = PLQ_CAP_BLOCKING,
                                          .id = "test.linked",
                                          .name = "linked",
                                          .version = "1",
                                          .functions = &functions};
  (void)host, (void)error;
  *out_transport = &transport;
  return PLQ_OK;
}

static void no_third_link(void **state) {
  const struct plq__plugin *linked = NULL;
  struct plq__instance *instance = NULL;
  (void)state;
  assert_int_equal(plq_transport_register_static(entry, NULL), PLQ_OK);
  put(options, "allow_test_transports", "true");
  front.name = "linked";
  plq__instance_free(open_front()); /* its create asked for the table too, and got none */
  assert_false(front.offered);
  assert_int_equal(front.destroys, 2);
  assert_int_equal(plq__load(options, "linked", &linked, NULL), PLQ_OK);
  assert_int_equal(plq__instance_new(linked, options, &instance, NULL), PLQ_E_UNSUPPORTED); /* in front of itself */
}

/* ---- fork, and no memory ---- */

static void ends_in_a_child(void **state) {
  (void)state;
  for (int way = 0; way < 3; way++) {
    front.forgets_to_close = way == 2;
    struct plq__instance *instance = open_front();
    struct test_counters *counters = counters_of("good");
    counters->abandons = counters->destroys = 0;
    pid_t child = fork();
    if (child == 0) {
      if (way == 0) plq__instance_abandon(instance);
      plq__instance_free(instance);
      _exit(counters->abandons == 1 && counters->destroys == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    plq__instance_free(instance);
    assert_int_equal(counters->destroys, 1);
    assert_int_equal(counters->abandons, 0);
  }
}

static void survives_no_memory(void **state) {
  (void)state;
  static const char *const names[] = {"good", "not-there"};
  for (size_t which = 0; which < COUNT(names); which++) {
    front.name = names[which];
    for (int i = 0; i == 0 || torture_left < 0; i++) {
      struct plq__instance *instance = NULL;
      plq_error *error = NULL;
      plq__alloc_gate = torture_gate;
      torture_left = i;
      int32_t got = plq__instance_new(&plugin, options, &instance, &error);
      plq__alloc_gate = NULL;
      if (got == PLQ_OK) assert_non_null(instance);
      if (got != PLQ_OK) assert_true(got == PLQ_E_MEMORY || got == PLQ_E_TRANSPORT_NOT_FOUND);
      assert_true(which == 1 || torture_left >= 0 || got == PLQ_E_MEMORY || instance != NULL);
      plq__instance_free(instance);
      plq_error_free(error);
    }
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(opens_and_ends),
      TEST(the_clock_is_that_of_the_last_link),
      TEST(options_reach_it),
      TEST(the_rules_of_loading_hold),
      TEST(its_own_failure_is_told_whole),
      TEST(a_failure_in_front_ends_both),
      TEST(a_failure_that_was_passed_over_is_not_told),
      TEST(two_behind_one),
      TEST(wrong_arguments),
      TEST(only_inside_create),
      TEST(only_for_test_transports),
      TEST(no_third_link),
      TEST(ends_in_a_child),
      TEST(survives_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
