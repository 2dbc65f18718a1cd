/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "plqt.h"

static char **text_at(void *config, const plqt_binding *binding) {
  return (char **)(void *)((char *)config + binding->offset);
}

static int64_t *number_at(void *config, const plqt_binding *binding) {
  return (int64_t *)(void *)((char *)config + binding->offset);
}

static void forget(const plq_transport_host *host, char **text) {
  if (*text) host->wipe(*text, strlen(*text));
  host->free(host->context, *text);
  *text = NULL;
}

static int32_t set_text(const plq_transport_host *host, char **slot, const plq_transport_value *value) {
  forget(host, slot);
  if (value->text_len == 0) return PLQ_OK;
  *slot = host->alloc(host->context, value->text_len + 1);
  if (!*slot) return PLQ_E_MEMORY;
  memcpy(*slot, value->text, value->text_len);
  (*slot)[value->text_len] = '\0';
  return PLQ_OK;
}

static int32_t take(const plq_transport_host *host, void *config, const plqt_binding *bindings, size_t count,
                    const plq_transport_value *value) {
  for (size_t i = 0; i < count; i++) {
    const plqt_binding *binding = &bindings[i];
    if (strlen(binding->key) != value->key_len || memcmp(binding->key, value->key, value->key_len) != 0) continue;
    if (!binding->unit) return set_text(host, text_at(config, binding), value);
    *number_at(config, binding) = value->number * binding->unit;
  }
  return PLQ_OK;
}

int32_t plqt_options_read(const plq_transport_host *host, void *config, const plqt_binding *bindings, size_t binding_count,
                          const plq_transport_value *values, size_t count, size_t stride, plq_transport_error *error) {
  int32_t status = PLQ_OK;
  for (size_t i = 0; i < binding_count; i++) {
    if (bindings[i].unit) *number_at(config, &bindings[i]) = bindings[i].fallback * bindings[i].unit;
  }
  for (size_t i = 0; i < count && !status; i++) {
    const void *value = (const char *)values + i * stride;
    status = take(host, config, bindings, binding_count, value);
  }
  if (status) plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0, "out of memory");
  return status;
}

void plqt_options_clear(const plq_transport_host *host, void *config, const plqt_binding *bindings, size_t binding_count) {
  for (size_t i = 0; i < binding_count; i++) {
    if (!bindings[i].unit) forget(host, text_at(config, &bindings[i]));
  }
}

int32_t plqt_pins_check(char *pins, plq_transport_error *error) {
  char *out = pins;
  for (const char *in = pins; *in; in++) {
    if (*in != ' ') *out++ = *in;
  }
  *out = '\0';
  for (const char *pin = pins; *pin;) {
    size_t len = strcspn(pin, ",");
    if (len != 8 + 44 || memcmp(pin, "sha256//", 8) != 0 || pin[len - 1] != '=') {
      plqt_error_set(error, PLQ_E_PIN, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0,
                     "pins: \"%.*s\" is not sha256// and 44 characters of base64", (int)(len < 60 ? len : 60), pin);
      return PLQ_E_PIN;
    }
    pin += len + (pin[len] == ',');
  }
  return PLQ_OK;
}
