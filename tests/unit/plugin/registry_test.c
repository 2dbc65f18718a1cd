/* SPDX-License-Identifier: MIT */
/* Transports that are linked in; every way a descriptor can be wrong; and the loader's lock across fork and threads. */
#include <plastiq/transport.h>
#include <pthread.h>
#include <sys/wait.h>

#include "support.h"

static int entries;
static plq_transport given; /* what the entry functions give */
static plq_transport_functions functions;
static plq_transport_option schema[3];

static int32_t create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error, plq_transport_instance **out_instance) {
  (void)host, (void)values, (void)count, (void)stride, (void)error, (void)out_instance;
  return PLQ_E_UNSUPPORTED;
}

static int32_t perform(plq_transport_instance *instance, const plq_transport_request *request, const plq_transport_sink *sink,
                       plq_transport_error *error) {
  (void)instance, (void)request, (void)sink, (void)error;
  return PLQ_E_UNSUPPORTED;
}

static void cancel(plq_transport_instance *instance, uint64_t op) { (void)instance, (void)op; }

static void end(plq_transport_instance *instance) { (void)instance; }

static int setup(void **state) {
  (void)state;
  functions = (plq_transport_functions){.struct_size = sizeof functions,
                                        .create = create,
                                        .perform = perform,
                                        .cancel = cancel,
                                        .destroy = end,
                                        .abandon_after_fork = end};
  schema[0] = (plq_transport_option){.type = PLQ_OPTION_INT, .key = "speed", .min = 1, .max = 9, .default_text = "3"};
  schema[1] = (plq_transport_option){.type = PLQ_OPTION_PATH, .key = "ca_file"};
  schema[2] = (plq_transport_option){.type = PLQ_OPTION_CHOICE, .key = "mode", .choices = "a,b"};
  given = (plq_transport){.struct_size = sizeof given,
                          .deployment_class = PLQ_CLASS_PRODUCTION,
                          .capabilities = PLQ_CAP_BLOCKING,
                          .id = "com.example.linked",
                          .name = "linked",
                          .version = "1",
                          .options = schema,
                          .option_count = 3,
                          .option_stride = sizeof *schema,
                          .functions = &functions};
  return 0;
}

static int32_t entry_broken(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {
  assert_int_equal(host->struct_size, sizeof *host);
  assert_int_equal(error->struct_size, sizeof *error);
  entries++;
  *out_transport = &given;
  return PLQ_OK;
}

/* ---- broken descriptors ---- */

static void no_name(void) { given.name = NULL; }
static void bad_name(void) { given.name = "Linked"; }
static void no_id(void) { given.id = NULL; }
static void empty_version(void) { given.version = ""; }
static void bad_version(void) { given.version = "\xff"; }
static void no_class(void) { given.deployment_class = 0; }
static void bad_class(void) { given.deployment_class = 3; }
static void no_capability(void) { given.capabilities = PLQ_CAP_PINS; }
static void no_functions(void) { given.functions = NULL; }
static void tiny(void) { given.struct_size = 4; }
static void empty(void) { given.struct_size = 0; }
static void before_functions(void) { given.struct_size = offsetof(plq_transport, functions); }
static void inside_a_field(void) { given.struct_size = sizeof given - 4; }
static void tiny_table(void) { functions.struct_size = 8; }
static void table_inside_a_field(void) { functions.struct_size = sizeof functions - 2; }
static void no_create(void) { functions.create = NULL; }
static void no_cancel(void) { functions.cancel = NULL; }
static void no_destroy(void) { functions.destroy = NULL; }
static void no_abandon(void) { functions.abandon_after_fork = NULL; }
static void no_perform(void) { functions.perform = NULL; }
static void no_async(void) { given.capabilities |= PLQ_CAP_ASYNC; }
static void no_prewarm(void) { given.capabilities |= PLQ_CAP_PREWARM; }
static void no_rows(void) { given.options = NULL; }
static void many_rows(void) { given.option_count = SIZE_MAX; }
static void short_stride(void) { given.option_stride = sizeof *schema - 8; }
static void no_key(void) { schema[1].key = NULL; }
static void bad_key(void) { schema[1].key = "a.b"; }
static void same_key(void) { schema[1].key = "speed"; }
static void no_type(void) { schema[0].type = 0; }
static void later_type(void) { schema[0].type = 9; }
static void other_type(void) { schema[1].type = PLQ_OPTION_TEXT; }
static void no_choices(void) { schema[2].choices = NULL; }
static void bad_default(void) { schema[0].default_text = "10"; }
static void crossed_limits(void) { schema[0].min = 10; }
static void later_minor(void) { given.abi_minor_required = PLQ_TRANSPORT_ABI_MINOR + 1; }

static const struct {
  void (*change)(void);
  int32_t status;
  const char *part;
} broken[] = {
    {no_name, PLQ_E_TRANSPORT_INVALID, "its name is not"},
    {bad_name, PLQ_E_TRANSPORT_INVALID, "its name is not"},
    {no_id, PLQ_E_TRANSPORT_INVALID, "no id"},
    {empty_version, PLQ_E_TRANSPORT_INVALID, "no version"},
    {bad_version, PLQ_E_TRANSPORT_INVALID, "no version"},
    {no_class, PLQ_E_TRANSPORT_INVALID, "its class is neither"},
    {bad_class, PLQ_E_TRANSPORT_INVALID, "its class is neither"},
    {no_capability, PLQ_E_TRANSPORT_INVALID, "neither PLQ_CAP_BLOCKING nor PLQ_CAP_ASYNC"},
    {no_functions, PLQ_E_TRANSPORT_INVALID, "no function table"},
    {tiny, PLQ_E_TRANSPORT_INVALID, "struct_size of its descriptor"},
    {empty, PLQ_E_TRANSPORT_INVALID, "struct_size of its descriptor"},
    {before_functions, PLQ_E_TRANSPORT_INVALID, "struct_size of its descriptor"},
    {inside_a_field, PLQ_E_TRANSPORT_INVALID, "struct_size of its descriptor"},
    {tiny_table, PLQ_E_TRANSPORT_INVALID, "struct_size of its function table"},
    {table_inside_a_field, PLQ_E_TRANSPORT_INVALID, "struct_size of its function table"},
    {no_create, PLQ_E_TRANSPORT_INVALID, "create"},
    {no_cancel, PLQ_E_TRANSPORT_INVALID, "cancel"},
    {no_destroy, PLQ_E_TRANSPORT_INVALID, "destroy"},
    {no_abandon, PLQ_E_TRANSPORT_INVALID, "abandon_after_fork"},
    {no_perform, PLQ_E_TRANSPORT_INVALID, "perform"},
    {no_async, PLQ_E_TRANSPORT_INVALID, "submit"},
    {no_prewarm, PLQ_E_TRANSPORT_INVALID, "prewarm"},
    {no_rows, PLQ_E_TRANSPORT_INVALID, "option schema"},
    {many_rows, PLQ_E_TRANSPORT_INVALID, "option schema"},
    {short_stride, PLQ_E_TRANSPORT_INVALID, "option_stride"},
    {no_key, PLQ_E_TRANSPORT_INVALID, "no key"},
    {bad_key, PLQ_E_TRANSPORT_INVALID, "no key"},
    {same_key, PLQ_E_TRANSPORT_INVALID, "twice in its schema: speed"},
    {no_type, PLQ_E_TRANSPORT_INVALID, "unknown type: speed"},
    {later_type, PLQ_E_TRANSPORT_INVALID, "unknown type: speed"},
    {other_type, PLQ_E_TRANSPORT_INVALID, "another type than docs/options.md says: ca_file"},
    {no_choices, PLQ_E_TRANSPORT_INVALID, "no choices: mode"},
    {bad_default, PLQ_E_TRANSPORT_INVALID, "own rule: speed"},
    {crossed_limits, PLQ_E_TRANSPORT_INVALID, "min above its max: speed"},
    {later_minor, PLQ_E_TRANSPORT_ABI_MINOR, "install a newer libplastiq"},
};

static void refuses_broken_descriptors(void **state) {
  for (size_t i = 0; i < COUNT(broken); i++) {
    plq_error *error = NULL;
    setup(state);
    broken[i].change();
    int32_t got = plq_transport_register_static(entry_broken, &error);
    assert_true(plq_error_load_count(error) >= 2); /* entry, descriptor */
    assert_error(error, got, broken[i].status, broken[i].part);
    assert_int_equal(plq_transport_register_static(entry_broken, NULL), broken[i].status);
  }
  assert_null(plq__registry_first());
}

static int32_t entry_nothing(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {
  (void)host, (void)error, (void)out_transport;
  return PLQ_OK;
}

static int32_t refusal;

static int32_t entry_refuses(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {
  (void)host, (void)out_transport;
  memset(error->message, '!', sizeof error->message); /* not ended */
  return refusal;
}

static void tells_refusals(void **state) {
  (void)state;
  plq_error *error = NULL;
  int32_t got = plq_transport_register_static(NULL, &error);
  assert_error(error, got, PLQ_E_ARGUMENT, "NULL");
  assert_int_equal(plq_transport_register_static(entry_nothing, &error), PLQ_E_TRANSPORT_INVALID);
  assert_says(error, "gave no descriptor");
  plq_error_free(error);
  static const struct {
    int32_t refusal, status;
  } rows[] = {{PLQ_E_UNSUPPORTED, PLQ_E_TRANSPORT_REFUSED}, {-1, PLQ_E_TRANSPORT_REFUSED}, {PLQ_E_MEMORY, PLQ_E_MEMORY}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    refusal = rows[i].refusal;
    assert_int_equal(plq_transport_register_static(entry_refuses, &error), rows[i].status);
    assert_says(error, "refused to load: !!!!");
    plq_error_free(error);
  }
}

/* ---- one that is good ---- */

static int32_t entry_linked(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {
  return entry_broken(host, error, out_transport);
}

static int32_t inner, inner_load;

static int32_t entry_reenters(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {
  const struct plq__plugin *plugin = NULL;
  plq_options *options = new_options();
  inner = plq_transport_register_static(entry_nothing, NULL);
  inner_load = plq__load(options, TEST_PLUGINS "/libplastiq-transport-good.so", &plugin, NULL);
  plq__options_free(options);
  return entry_broken(host, error, out_transport);
}

static void registers_once(void **state) {
  (void)state;
  plq_error *error = NULL;
  const struct plq__plugin *plugin = NULL;
  entries = 0;
  given.vendor = NULL;
  assert_int_equal(plq_transport_register_static(entry_linked, &error), PLQ_OK);
  assert_null(error);
  assert_int_equal(plq_transport_register_static(entry_linked, NULL), PLQ_OK);
  assert_int_equal(entries, 1);
  assert_int_equal(plq_transport_register_static(entry_broken, &error), PLQ_E_TRANSPORT_NAME); /* another, of the same name */
  assert_says(error, "\"linked\" is registered already");
  plq_error_free(error);

  plq_options *options = new_options();
  put(options, "transport", "linked");
  put(options, "transport_dir", "/nowhere/at/all");
  assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
  assert_string_equal(plugin->path, "");
  assert_string_equal(plugin->transport.vendor, "");
  assert_ptr_equal(plugin->transport.functions, &plugin->functions);
  /* a copy: what the plugin does to its own later changes nothing */
  functions.perform = NULL;
  assert_ptr_equal(plugin->functions.perform, perform);
  put(options, "transport_allow", "a,b");
  int32_t got = plq__plugin_load(options, &plugin, &error);
  assert_null(plugin);
  assert_string_equal(plq_error_field(error, NULL), "transport_allow");
  assert_error(error, got, PLQ_E_TRANSPORT_NOT_ALLOWED, "transport_allow names \"a,b\"");
  put(options, "transport_allow", "a,linked");
  assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
  plq__options_free(options);
}

static void reads_by_size(void **state) {
  (void)state;
  /* built before get_extension was there: what lies behind is not the descriptor's */
  given.struct_size = offsetof(plq_transport, get_extension);
  given.name = "older";
  given.get_extension = (const void *(*)(const char *))(uintptr_t)1;
  assert_int_equal(plq_transport_register_static(entry_reenters, NULL), PLQ_OK);
  assert_int_equal(inner, PLQ_E_REENTRANT);
  assert_int_equal(inner_load, PLQ_E_REENTRANT);
  struct plq__loaded *loaded = plq__registry_find_static(PLQ__TEXT("older"));
  assert_non_null(loaded);
  assert_null(loaded->plugin.transport.get_extension);
}

/* A later version with members that this one does not know. */
static struct {
  plq_transport transport;
  void *later[4];
} longer;
static struct {
  plq_transport_functions functions;
  void *later[4];
} longer_functions;

static int32_t entry_longer(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {
  (void)host, (void)error;
  *out_transport = &longer.transport;
  return PLQ_OK;
}

static void reads_longer_structs(void **state) {
  (void)state;
  memset(&longer, 0xaa, sizeof longer);
  memset(&longer_functions, 0xaa, sizeof longer_functions);
  longer_functions.functions = functions;
  longer_functions.functions.struct_size = sizeof longer_functions;
  longer.transport = given;
  longer.transport.struct_size = sizeof longer;
  longer.transport.functions = &longer_functions.functions;
  longer.transport.abi_minor_built = 7;
  longer.transport.name = "later";
  assert_int_equal(plq_transport_register_static(entry_longer, NULL), PLQ_OK);
  struct plq__loaded *loaded = plq__registry_find_static(PLQ__TEXT("later"));
  assert_non_null(loaded);
  assert_int_equal(loaded->plugin.transport.struct_size, sizeof(plq_transport));
  assert_int_equal(loaded->plugin.functions.struct_size, sizeof(plq_transport_functions));
}

/* ---- threads and forks ---- */

static _Atomic int ready, go;

static void *hold_the_lock(void *unused) {
  struct plq__registry_lock *lock = plq__registry_lock();
  ready = 1;
  while (!go) usleep(1000);
  plq__registry_unlock(lock);
  return unused;
}

/* The parent's lock is held by a thread that the child does not have. */
static void loads_in_a_child(void **state) {
  (void)state;
  pthread_t thread;
  char path[512];
  assert_int_equal(pthread_create(&thread, NULL, hold_the_lock, NULL), 0);
  while (!ready) usleep(1000);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    plq_options *options = plq__options_new(0);
    const struct plq__plugin *plugin = NULL;
    put(options, "transport_path_check", "false");
    int32_t first = plq__load(options, plugin_path(path, sizeof path, "good"), &plugin, NULL);
    int32_t second = plq__load(options, "linked", &plugin, NULL);
    plq__options_free(options);
    _exit(first == PLQ_OK && second == PLQ_OK ? 0 : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  go = 1;
  pthread_join(thread, NULL);
}

static void *load_good(void *out) {
  char path[512];
  plq_options *options = new_options();
  const struct plq__plugin *plugin = NULL;
  put(options, "transport_path_check", "false");
  assert_int_equal(plq__load(options, plugin_path(path, sizeof path, "good"), &plugin, NULL), PLQ_OK);
  *(const struct plq__plugin **)out = plugin;
  plq__options_free(options);
  return NULL;
}

static void loads_once_for_many_threads(void **state) {
  (void)state;
  enum { THREADS = 8 };
  pthread_t threads[THREADS];
  const struct plq__plugin *plugins[THREADS];
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, load_good, &plugins[i]), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; i++) assert_ptr_equal(plugins[i], plugins[0]);
  const int32_t *first = plugins[0]->transport.get_extension("test.counters/1"); /* its first member counts entries */
  assert_int_equal(*first, 1);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(refuses_broken_descriptors),
      TEST(tells_refusals),
      TEST(registers_once),
      TEST(reads_by_size),
      TEST(reads_longer_structs),
      TEST(loads_in_a_child),
      TEST(loads_once_for_many_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
