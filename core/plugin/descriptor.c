/* SPDX-License-Identifier: MIT */
/* What a transport says of itself: asked for once, checked, and copied by its size into the structs of this version. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum { MOST_OPTIONS = 256 };

/* What a row needs to be complete in the first version; a later one may be longer. */
#define DESCRIPTOR_LEAST (offsetof(plq_transport, functions) + sizeof(void *))
#define FUNCTIONS_LEAST (offsetof(plq_transport_functions, abandon_after_fork) + sizeof(void (*)(void)))

static int32_t invalid(struct plq__loading *loading, const char *trouble, const char *detail) {
  return plq__loading_fail(loading, PLQ_E_TRANSPORT_INVALID, "descriptor", "%s is not usable as a transport: %s%s%s",
                           loading->path, trouble, detail != NULL ? " " : "", detail != NULL ? detail : "");
}

/* ---- functions ---- */

struct need {
  size_t offset;
  uint64_t capability; /* 0: always */
  const char *name;
};

#define NEED(function, capability) \
  { offsetof(plq_transport_functions, function), capability, #function }
static const struct need needs[] = {
    NEED(create, 0),
    NEED(cancel, 0),
    NEED(destroy, 0),
    NEED(abandon_after_fork, 0),
    NEED(perform, PLQ_CAP_BLOCKING),
    NEED(submit, PLQ_CAP_ASYNC),
    NEED(event_fd, PLQ_CAP_ASYNC),
    NEED(drive, PLQ_CAP_ASYNC),
    NEED(wake, PLQ_CAP_ASYNC),
    NEED(prewarm, PLQ_CAP_PREWARM),
};

/* The name of a function that is required and not there, or NULL. */
static const char *missing_function(const plq_transport_functions *functions, uint64_t capabilities) {
  for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
    void (*function)(void);
    if (needs[i].capability != 0 && (capabilities & needs[i].capability) == 0) continue;
    memcpy(&function, (const char *)functions + needs[i].offset, sizeof function);
    if (function == NULL) return needs[i].name;
  }
  return NULL;
}

/* A size cut inside a field would leave half a pointer. */
static bool is_size(uint32_t size, size_t least) { return size >= least && size % sizeof(void *) == 0; }

static int32_t copy_functions(struct plq__loading *loading, struct plq__plugin *plugin) {
  const plq_transport_functions *given = plugin->transport.functions;
  if (given == NULL) return invalid(loading, "its descriptor has no function table", NULL);
  uint32_t size = given->struct_size;
  if (!is_size(size, FUNCTIONS_LEAST)) return invalid(loading, "the struct_size of its function table is wrong", NULL);
  memcpy(&plugin->functions, given, size < sizeof plugin->functions ? size : sizeof plugin->functions);
  plugin->functions.struct_size = sizeof plugin->functions;
  plugin->transport.functions = &plugin->functions;
  if ((plugin->transport.capabilities & (PLQ_CAP_BLOCKING | PLQ_CAP_ASYNC)) == 0)
    return invalid(loading, "it declares neither PLQ_CAP_BLOCKING nor PLQ_CAP_ASYNC, so it cannot carry a request", NULL);
  const char *missing = missing_function(&plugin->functions, plugin->transport.capabilities);
  return missing != NULL ? invalid(loading, "its function table lacks what its capabilities require:", missing) : PLQ_OK;
}

/* ---- the option schema ---- */

plq_transport_option plq__schema_row(const plq_transport *transport, size_t index) {
  plq_transport_option row;
  memcpy(&row, (const char *)transport->options + index * transport->option_stride, sizeof row);
  return row;
}

int plq__schema_find(const plq_transport *transport, struct plq__text key) {
  for (size_t i = 0; i < transport->option_count; i++)
    if (plq__text_is(key, plq__schema_row(transport, i).key)) return (int)i;
  return -1;
}

int plq__schema_standard(const char *key) {
  int index = plq__option_find(plq__text_in(key, SIZE_MAX));
  return index >= 0 && (plq__option_row(index)->flags & PLQ__OPTION_TRANSPORT) != 0 ? index : -1;
}

static const char *row_trouble(const plq_transport_option *row) {
  int standard = plq__schema_standard(row->key);
  if (row->type < PLQ_OPTION_TEXT || row->type > PLQ_OPTION_SECRET) return "an option has an unknown type:";
  if (standard >= 0 && plq__option_row(standard)->type != row->type)
    return "an option has another type than docs/options.md says:";
  if (row->min > row->max) return "an option has a min above its max:";
  if (row->type == PLQ_OPTION_CHOICE && row->choices == NULL) return "an option of type CHOICE has no choices:";
  if (row->default_text == NULL) return NULL;
  struct plq__text text = plq__text_in(row->default_text, SIZE_MAX);
  bool good = plq__is_utf8(text) && plq__value_check(row->type, row->min, row->max, false, row->choices, text, NULL) == NULL;
  return good ? NULL : "the default of an option breaks the option's own rule:";
}

static int32_t check_schema(struct plq__loading *loading, const plq_transport *transport) {
  if (transport->option_count == 0) return PLQ_OK;
  if (transport->options == NULL || transport->option_count > MOST_OPTIONS)
    return invalid(loading, "its option schema has no rows, or more than 256", NULL);
  if (transport->option_stride < sizeof(plq_transport_option) || transport->option_stride > 4096)
    return invalid(loading, "the option_stride of its descriptor is wrong", NULL);
  for (size_t i = 0; i < transport->option_count; i++) {
    plq_transport_option row = plq__schema_row(transport, i);
    if (row.key == NULL || !plq__is_transport_name(plq__text_in(row.key, SIZE_MAX)))
      return invalid(loading, "an option of its schema has no key of 1 to 32 of a-z 0-9 _ -", NULL);
    if (plq__schema_find(transport, plq__text_in(row.key, SIZE_MAX)) != (int)i)
      return invalid(loading, "an option stands twice in its schema:", row.key);
    const char *trouble = row_trouble(&row);
    if (trouble != NULL) return invalid(loading, trouble, row.key);
  }
  return PLQ_OK;
}

/* ---- the descriptor ---- */

static bool is_text(const char *text) { return text != NULL && text[0] != '\0' && plq__is_utf8(plq__text_in(text, SIZE_MAX)); }

static int32_t check_texts(struct plq__loading *loading, plq_transport *transport) {
  if (transport->name == NULL || !plq__is_transport_name(plq__text_in(transport->name, SIZE_MAX)))
    return invalid(loading, "its name is not 1 to 32 of a-z 0-9 _ - that begin with a letter or digit", NULL);
  if (!is_text(transport->id)) return invalid(loading, "its descriptor has no id", NULL);
  if (!is_text(transport->version)) return invalid(loading, "its descriptor has no version", NULL);
  if (!is_text(transport->vendor)) transport->vendor = "";
  if (!is_text(transport->license)) transport->license = "";
  if (!is_text(transport->stack)) transport->stack = "";
  return PLQ_OK;
}

static int32_t copy_descriptor(struct plq__loading *loading, struct plq__plugin *plugin, const plq_transport *given) {
  plq_transport *copy = &plugin->transport;
  if (given == NULL) return invalid(loading, "its entry function gave no descriptor", NULL);
  uint32_t size = given->struct_size;
  if (!is_size(size, DESCRIPTOR_LEAST)) return invalid(loading, "the struct_size of its descriptor is wrong", NULL);
  memcpy(copy, given, size < sizeof *copy ? size : sizeof *copy);
  copy->struct_size = sizeof *copy;
  if (copy->abi_minor_required > PLQ_TRANSPORT_ABI_MINOR)
    return plq__loading_fail(
        loading, PLQ_E_TRANSPORT_ABI_MINOR, "descriptor",
        "%s needs minor version %u of the transport ABI, and this libplastiq has %d.%d; install a newer libplastiq",
        loading->path, (unsigned)copy->abi_minor_required, PLQ_TRANSPORT_ABI_MAJOR, PLQ_TRANSPORT_ABI_MINOR);
  if (copy->deployment_class != PLQ_CLASS_PRODUCTION && copy->deployment_class != PLQ_CLASS_TEST)
    return invalid(loading, "its class is neither PLQ_CLASS_PRODUCTION nor PLQ_CLASS_TEST", NULL);
  int32_t status = check_texts(loading, copy);
  if (status == PLQ_OK) status = copy_functions(loading, plugin);
  if (status == PLQ_OK) status = check_schema(loading, copy);
  return status;
}

static int32_t refused(struct plq__loading *loading, int32_t status, plq_transport_error *error) {
  char text[800];
  error->message[sizeof error->message - 1] = '\0';
  plq__clean(text, sizeof text, error->message, strlen(error->message));
  int32_t shown = plq_status_kind(status) == PLQ_KIND_MEMORY ? PLQ_E_MEMORY : PLQ_E_TRANSPORT_REFUSED;
  return plq__loading_fail(loading, shown, "entry", "%s refused to load: %s", loading->path,
                           text[0] != '\0' ? text : plq_status_text(status));
}

int32_t plq__loaded_accept(struct plq__loading *loading, struct plq__loaded *loaded) {
  plq_transport_error error = {.struct_size = sizeof error};
  const plq_transport *given = NULL;
  int32_t status = loaded->entry(plq__host_process(), &error, &given);
  if (status != PLQ_OK) return refused(loading, status, &error);
  plq__loading_pass(loading, "entry", "it answered with a descriptor");
  status = copy_descriptor(loading, &loaded->plugin, given);
  if (status != PLQ_OK) return status;
  const plq_transport *transport = &loaded->plugin.transport;
  plq__loading_pass(loading, "descriptor", "%s %s (%s), built for ABI %d.%u", transport->name, transport->version, transport->id,
                    PLQ_TRANSPORT_ABI_MAJOR, (unsigned)transport->abi_minor_built);
  return PLQ_OK;
}
