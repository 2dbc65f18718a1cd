/* SPDX-License-Identifier: MIT */
/* The extension plastiq.chain/1: an instance of another transport for a test transport that stands in front of it. */
#include <plastiq/chain.h>
#include <stddef.h>
#include <string.h>

#include "internal.h"

/* The reason in the transport's own form, for its own logs: what the user gets is the error itself. */
static int32_t tell(plq_transport_error *out, int32_t status, const char *message) {
  if (out == NULL || out->struct_size < sizeof *out) return status;
  *out = (plq_transport_error){
      .struct_size = sizeof *out, .status = status, .phase = PLQ_PHASE_CONFIG, .delivery = PLQ_DELIVERY_NOT_SENT};
  struct plq__text text = plq__text_in(message != NULL ? message : plq_status_text(status), SIZE_MAX);
  memcpy(out->message, text.at, plq__utf8_cut(text, sizeof out->message - 1)); /* the last byte stays NUL */
  return status;
}

static void hand_out(const struct plq__instance *behind, plq_chained *out) {
  const plq_transport *transport = &behind->plugin->transport;
  out->deployment_class = transport->deployment_class;
  out->capabilities = transport->capabilities;
  out->functions = &behind->plugin->functions;
  out->instance = behind->transport;
  out->name = transport->name;
  out->version = transport->version;
  out->stack = transport->stack;
}

static void copy_log(struct plq__load_log *to, const struct plq__load_log *from) {
  for (uint32_t i = 0; i < from->count; i++) {
    char *const *texts = from->rows[i].texts;
    if (texts[0] != NULL && texts[1] != NULL && texts[2] != NULL) plq__load_log_add(to, texts[0], texts[1], texts[2]);
  }
}

/* The ordinary way to an instance, as if this thread were not inside of the create of another one. */
static int32_t make(struct plq__loading *front, const char *name, struct plq__instance **out_behind) {
  const struct plq__plugin *plugin = NULL, *own = front->creating->plugin;
  plq_error *error = NULL;
  plq__host_listen(NULL);
  int32_t status = plq__load(front->options, name, &plugin, &error);
  if (status == PLQ_OK && plugin == own)
    status = plq__fail(&error, PLQ_E_UNSUPPORTED, NULL, "a transport cannot stand in front of itself; name another one than %s",
                       own->transport.name);
  if (status == PLQ_OK) status = plq__instance_new_behind(plugin, front->options, out_behind, &error);
  plq__host_listen(front);
  plq_error_free(front->behind);
  front->behind = error;
  front->behind_status = status;
  if (error != NULL) copy_log(&front->log, &error->load);
  return status;
}

static int32_t chain_open(void *context, const char *name, size_t name_len, plq_transport_error *error,
                          plq_chained *out_chained) {
  struct plq__loading *front = plq__host_listener();
  char text[4096];
  if (context == NULL || name == NULL || out_chained == NULL || out_chained->struct_size < sizeof *out_chained)
    return tell(error, PLQ_E_ARGUMENT, NULL);
  if (front == NULL || front->creating != context)
    return tell(error, PLQ_E_REENTRANT, "another transport is opened from inside create, or not at all");
  if (front->creating->behind != NULL) return tell(error, PLQ_E_UNSUPPORTED, "there is a transport behind this one already");
  if (name_len == 0 || name_len >= sizeof text || memchr(name, '\0', name_len) != NULL)
    return tell(error, PLQ_E_ARGUMENT, "the name of a transport is empty or too long");
  memcpy(text, name, name_len);
  text[name_len] = '\0';
  int32_t status = make(front, text, &front->creating->behind);
  if (status == PLQ_OK)
    hand_out(front->creating->behind, out_chained);
  else
    tell(error, status, front->behind != NULL ? front->behind->texts[PLQ__ERROR_MESSAGE] : NULL);
  return status;
}

static void chain_close(void *context) {
  if (context != NULL) plq__instance_close_behind(context);
}

static const plq_chain chain = {.struct_size = sizeof chain, .open = chain_open, .close = chain_close};

const void *plq__chain_for(void *context) {
  const struct plq__instance *instance = context;
  if (instance == NULL || instance->plugin->transport.deployment_class != PLQ_CLASS_TEST) return NULL;
  return plq__instance_is_behind(instance) ? NULL : &chain;
}
