/* SPDX-License-Identifier: MIT */
/* Making and ending instances: what create is given, what it may answer, and which way an instance ends. */
#include <plastiq/version.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "support.h"

struct plq_transport_instance {
  const plq_transport_host *host;
};

/* What the transport under test does, and what happened to it. */
static struct {
  int32_t status;
  bool gives_nothing, logs;
  int creates, destroys, abandons;
  int32_t inner; /* what the core answered from inside create */
  size_t count, stride;
} script;

static const plq_options *inner_options;

static int32_t create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error, plq_transport_instance **out_instance);

static void destroy(plq_transport_instance *instance) {
  script.destroys++;
  instance->host->free(instance->host->context, instance);
}

static void abandon(plq_transport_instance *instance) {
  script.abandons++;
  instance->host->free(instance->host->context, instance);
}

static int64_t clock_now(plq_transport_instance *instance) {
  (void)instance;
  return 42;
}

static void clock_sleep(plq_transport_instance *instance, int64_t until_ns) {
  (void)instance;
  (void)until_ns;
}

static plq_transport_clock test_clock = {.struct_size = sizeof test_clock, .now_ns = clock_now, .sleep_until_ns = clock_sleep};

static const void *get_extension(const char *id) { return strcmp(id, "plastiq.clock/1") == 0 ? &test_clock : NULL; }

static const plq_transport_option schema[] = {{.type = PLQ_OPTION_INT, .key = "speed", .default_text = "3"}};

static const struct plq__plugin plugin = {
    .transport = {.name = "t",
                  .deployment_class = PLQ_CLASS_PRODUCTION,
                  .options = schema,
                  .option_count = 1,
                  .option_stride = sizeof *schema,
                  .get_extension = get_extension},
    .functions = {.create = create, .destroy = destroy, .abandon_after_fork = abandon},
    .path = (char[]){"/the/file"},
};

static int32_t create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error, plq_transport_instance **out_instance) {
  struct plq__instance *inner;
  assert_int_equal(error->struct_size, sizeof *error);
  assert_int_equal(error->status, 0);
  assert_int_equal(count, 1);
  assert_string_equal(values[0].text, "3");
  script.creates++;
  script.count = count;
  script.stride = stride;
  if (inner_options != NULL) script.inner = plq__instance_new(&plugin, inner_options, &inner, NULL);
  if (script.logs) host->log(host->context, host->log_level(host->context), "line\none\xff", 9);
  if (script.status != PLQ_OK) {
    error->delivery = PLQ_DELIVERY_MAYBE_SENT; /* nonsense here */
    memcpy(error->message, "why", 4);
    return script.status;
  }
  if (script.gives_nothing) return PLQ_OK;
  *out_instance = host->alloc(host->context, sizeof **out_instance);
  if (*out_instance == NULL) return PLQ_E_MEMORY;
  (*out_instance)->host = host;
  return PLQ_OK;
}

static int setup(void **state) {
  memset(&script, 0, sizeof script);
  inner_options = NULL;
  *state = new_options();
  return 0;
}

static int teardown(void **state) {
  plq__options_free(*state);
  return 0;
}

static void lives_and_ends(void **state) {
  struct plq__instance *instance;
  plq_error *error = NULL;
  assert_int_equal(plq__instance_new(&plugin, *state, &instance, &error), PLQ_OK);
  assert_null(error);
  assert_ptr_equal(instance->plugin, &plugin);
  assert_ptr_equal(instance->transport->host, &instance->host); /* as long-lived as the instance */
  assert_int_equal(script.stride, sizeof(plq_transport_value));
  assert_null(instance->clock); /* not for production */
  plq__instance_free(instance);
  assert_int_equal(script.creates, 1);
  assert_int_equal(script.destroys, 1);
  assert_int_equal(script.abandons, 0);
  plq__instance_free(NULL);
}

static void gives_services(void **state) {
  struct plq__instance *instance;
  assert_int_equal(plq__instance_new(&plugin, *state, &instance, NULL), PLQ_OK);
  const plq_transport_host *host = &instance->host;
  assert_int_equal(host->struct_size, sizeof *host);
  assert_int_equal(host->abi_minor, PLQ_TRANSPORT_ABI_MINOR);
  assert_string_equal(host->version, PLQ_VERSION_TEXT);
  char *block = host->alloc(host->context, 8);
  block = host->realloc(host->context, block, 4096);
  assert_non_null(block);
  memset(block, 'x', 4096);
  host->wipe(block, 4096);
  for (int i = 0; i < 4096; i++) assert_int_equal(block[i], 0);
  host->free(host->context, block);
  host->free(host->context, NULL);
  int64_t before = plq__now_ns(), now = host->now_ns(host->context);
  assert_true(before <= now && now <= plq__now_ns());
  unsigned char random[32] = {0}, zero[32] = {0};
  assert_int_equal(host->random(host->context, random, sizeof random), PLQ_OK);
  assert_memory_not_equal(random, zero, sizeof random);
  assert_int_equal(host->log_level(host->context), INT32_MAX);
  host->log(host->context, PLQ_LOG_ERROR, "nobody listens", 14);
  assert_null(host->get_extension(host->context, "plastiq.nothing/1"));
  plq__instance_free(instance);
}

static void maps_failures(void **state) {
  static const struct {
    int32_t status, shown;
  } rows[] = {
      {PLQ_E_CLIENT_CERTIFICATE, PLQ_E_CLIENT_CERTIFICATE},
      {PLQ_E_TRANSPORT_CREATE, PLQ_E_TRANSPORT_CREATE},
      {PLQ_E_MEMORY, PLQ_E_MEMORY},
      {PLQ_E_ARGUMENT, PLQ_E_TRANSPORT_MISBEHAVED},
      {-5, PLQ_E_TRANSPORT_MISBEHAVED},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct plq__instance *instance = (void *)&script;
    plq_error *error = NULL;
    script.status = rows[i].status;
    script.logs = true;
    int32_t got = plq__instance_new(&plugin, *state, &instance, &error);
    assert_null(instance);
    assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
    assert_true(log_has(error, "create", "line one\xef\xbf\xbd"));
    assert_true(log_has(error, "create", "why"));
    assert_string_equal(plq_error_load_text(error, 0, PLQ_LOAD_PATH, NULL), "/the/file");
    assert_error(error, got, rows[i].shown, "why");
    assert_int_equal(plq__instance_new(&plugin, *state, &instance, NULL), rows[i].shown);
  }
  assert_int_equal(script.destroys, 0);
}

static void notices_an_instance_that_is_not_there(void **state) {
  struct plq__instance *instance;
  plq_error *error = NULL;
  script.gives_nothing = true;
  int32_t got = plq__instance_new(&plugin, *state, &instance, &error);
  assert_null(instance);
  assert_error(error, got, PLQ_E_TRANSPORT_MISBEHAVED, "gave no instance");
}

static void refuses_to_be_entered_again(void **state) {
  struct plq__instance *instance;
  inner_options = *state;
  assert_int_equal(plq__instance_new(&plugin, *state, &instance, NULL), PLQ_OK);
  assert_int_equal(script.inner, PLQ_E_REENTRANT);
  assert_int_equal(script.creates, 1);
  plq__instance_free(instance);
}

static void gives_the_clock_to_test_transports(void **state) {
  struct plq__plugin test = plugin;
  struct plq__instance *instance;
  test.transport.deployment_class = PLQ_CLASS_TEST;
  assert_int_equal(plq__instance_new(&test, *state, &instance, NULL), PLQ_OK);
  assert_non_null(instance->clock);
  assert_int_equal(instance->clock->now_ns(instance->transport), 42);
  plq__instance_free(instance);
  test_clock.struct_size = 8; /* what is cut off is not there */
  assert_int_equal(plq__instance_new(&test, *state, &instance, NULL), PLQ_OK);
  assert_null(instance->clock);
  plq__instance_free(instance);
  test_clock.struct_size = sizeof test_clock;
  test.transport.get_extension = NULL;
  assert_int_equal(plq__instance_new(&test, *state, &instance, NULL), PLQ_OK);
  assert_null(instance->clock);
  plq__instance_free(instance);
}

static void abandons_in_a_child(void **state) {
  struct plq__instance *instance;
  assert_int_equal(plq__instance_new(&plugin, *state, &instance, NULL), PLQ_OK);
  pid_t child = fork();
  if (child == 0) {
    plq__instance_free(instance);
    _exit(script.abandons == 1 && script.destroys == 0 ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  plq__instance_free(instance);
  assert_int_equal(script.destroys, 1);
}

static void survives_no_memory(void **state) {
  struct plq__instance *instance = NULL;
  for (int i = 0; i == 0 || torture_left < 0; i++) {
    plq_error *error = NULL;
    plq__alloc_gate = torture_gate;
    torture_left = i;
    int32_t got = plq__instance_new(&plugin, *state, &instance, &error);
    plq__alloc_gate = NULL;
    assert_int_equal(got, torture_left < 0 ? PLQ_E_MEMORY : PLQ_OK);
    assert_int_equal(instance == NULL, got != PLQ_OK);
    plq_error_free(error);
  }
  plq__instance_free(instance);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(lives_and_ends),
      TEST(gives_services),
      TEST(maps_failures),
      TEST(notices_an_instance_that_is_not_there),
      TEST(refuses_to_be_entered_again),
      TEST(gives_the_clock_to_test_transports),
      TEST(abandons_in_a_child),
      TEST(survives_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
