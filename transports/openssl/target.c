/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "plqo.h"

bool plqo_target_is(const plqo_target *known, const plq_transport_target *target) {
  return known && known->said.origin_len == target->origin_len && memcmp(known->origin, target->origin, target->origin_len) == 0;
}

static plqo_target *make(plqo_instance *instance, const plq_transport_target *target) {
  plqo_target *made = plqo_alloc(instance, sizeof *made + target->origin_len + target->host_len + 2);
  if (!made) return NULL;
  made->origin = (char *)(made + 1);
  made->host = made->origin + target->origin_len + 1;
  memcpy(made->origin, target->origin, target->origin_len);
  memcpy(made->host, target->host, target->host_len);
  made->origin[target->origin_len] = made->host[target->host_len] = '\0';
  made->said = (plq_transport_target){.struct_size = sizeof made->said,
                                      .flags = target->flags,
                                      .port = target->port,
                                      .origin = made->origin,
                                      .origin_len = target->origin_len,
                                      .host = made->host,
                                      .host_len = target->host_len};
  made->tls = (target->flags & PLQ_TARGET_TLS) != 0;
  made->numeric = (target->flags & PLQ_TARGET_ADDRESS) != 0;
  return made;
}

const plqo_target *plqo_target_get(plqo_instance *instance, const plq_transport_target *target) {
  pthread_mutex_lock(&instance->lock);
  plqo_target *found = instance->targets;
  while (found && !plqo_target_is(found, target)) found = found->next;
  if (!found && (found = make(instance, target))) {
    found->next = instance->targets;
    instance->targets = found;
  }
  pthread_mutex_unlock(&instance->lock);
  return found;
}

void plqo_targets_clear(plqo_instance *instance) {
  while (instance->targets) {
    plqo_target *next = instance->targets->next;
    plqo_free(instance, instance->targets);
    instance->targets = next;
  }
}
