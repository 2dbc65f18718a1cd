/* SPDX-License-Identifier: MIT */
/*
 * Opening a connection: look the name up, then race the addresses (RFC 8305). A new one starts every 250 ms, or as soon as one
 * has failed; the first to connect wins, and the others are closed before TLS begins.
 */
#include <errno.h>
#include <string.h>

#include "plqo.h"

/* ---- look-up ---- */

/* RFC 8305 section 4: the families take turns, beginning with that of the system's first choice. */
static void interleave(plqt_addresses *addresses) {
  plqt_addresses sorted = {.count = addresses->count};
  sa_family_t first = addresses->rows[0].at.any.sa_family;
  size_t same = 0, other = 0;
  for (size_t i = 0; i < addresses->count; i++) {
    bool want_same = i % 2 == 0;
    for (int round = 0; round < 2; round++, want_same = !want_same) {
      size_t *at = want_same ? &same : &other;
      while (*at < addresses->count && (addresses->rows[*at].at.any.sa_family == first) != want_same) ++*at;
      if (*at == addresses->count) continue;
      sorted.rows[i] = addresses->rows[(*at)++];
      break;
    }
  }
  *addresses = sorted;
}

static void begin_race(plqo_operation *op, int64_t now) {
  plqo_dial *dial = &op->dial;
  if (dial->addresses.count > 2) interleave(&dial->addresses);
  dial->next_address = dial->racer_count = 0;
  dial->last_errno = 0;
  dial->next_ns = now;
  op->connect_at = now;
  op->state = PLQO_CONNECTING;
}

static void begin_lookup(plqo_operation *op, int64_t now) {
  int32_t status;
  op->resolve_at = now;
  op->state = PLQO_RESOLVING;
  op->dial.lookup = plqt_lookup_start(op->instance->resolver, op->target->host, op->target->said.port, &status, &op->os_errno);
  if (!op->dial.lookup) {
    plqo_operation_end(op, status, PLQ_PHASE_RESOLVE, status == PLQ_E_RESOURCE_SYSTEM ? "too many name look-ups hang" : NULL);
    return;
  }
  plqo_engine_watch_lookup(op->engine, plqt_lookup_fd(op->dial.lookup));
}

static void leave_lookup(plqo_operation *op, int64_t now) {
  if (!op->dial.lookup) return;
  plqt_lookup_leave(op->instance->resolver, op->dial.lookup);
  op->dial.lookup = NULL;
  op->resolve_took_ns = now - op->resolve_at;
}

static void resolve_step(plqo_operation *op, int64_t now) {
  int32_t status;
  int code;
  plqo_dial *dial = &op->dial;
  if (!plqt_lookup_result(op->instance->resolver, dial->lookup, &dial->addresses, &status, &op->os_errno, &code)) return;
  leave_lookup(op, now);
  if (status) {
    op->plugin_code = code;
    plqo_operation_end(op, status, PLQ_PHASE_RESOLVE, NULL);
  } else {
    begin_race(op, now);
  }
}

void plqo_dial_begin(plqo_operation *op, int64_t now) {
  const plqo_target *target = op->target;
  plqt_addresses *addresses = &op->dial.addresses;
  if (target->numeric && plqt_address_read(target->host, target->said.port, &addresses->rows[0])) {
    addresses->count = 1;
    begin_race(op, now);
  } else if (plqt_resolver_cached(op->instance->resolver, target->host, target->said.port, now, addresses)) {
    begin_race(op, now);
  } else {
    begin_lookup(op, now);
  }
  if (op->state == PLQO_CONNECTING) plqo_dial_step(op, now);
}

/* ---- race ---- */

static void drop_racer(plqo_dial *dial, size_t index) {
  plqo_conn_close(dial->racers[index]);
  dial->racers[index] = dial->racers[--dial->racer_count];
}

static void start_racer(plqo_operation *op, int64_t now) {
  plqo_dial *dial = &op->dial;
  const plqt_address *address = &dial->addresses.rows[dial->next_address++];
  int number;
  plqo_conn *conn = plqo_conn_open(op->engine, op, address, now, &number);
  if (conn) {
    dial->racers[dial->racer_count++] = conn;
    dial->next_ns = now + PLQO_RACE_NS;
  } else {
    dial->last_errno = number;
    dial->next_ns = now;
  }
}

static void win(plqo_operation *op, size_t index, int64_t now) {
  plqo_dial *dial = &op->dial;
  op->conn = dial->racers[index];
  dial->racers[index] = dial->racers[--dial->racer_count];
  while (dial->racer_count) drop_racer(dial, 0);
  op->tls_at = now;
  op->state = PLQO_SECURING;
  if (!plqo_conn_secure(op->conn, now)) plqo_operation_end(op, PLQ_E_MEMORY, PLQ_PHASE_TLS, NULL);
}

/* True: one is through. */
static bool look_at_racers(plqo_operation *op, int64_t now) {
  plqo_dial *dial = &op->dial;
  for (size_t i = 0; i < dial->racer_count;) {
    plqo_result result = plqo_conn_connected(dial->racers[i]);
    if (result == PLQO_DONE) {
      win(op, i, now);
      return true;
    }
    if (result == PLQO_RESET) {
      dial->last_errno = dial->racers[i]->io_errno;
      dial->racers[i]->fatal = true;
      drop_racer(dial, i);
      dial->next_ns = now; /* do not wait to try the next address */
    } else {
      i++;
    }
  }
  return false;
}

static bool more_addresses(const plqo_dial *dial) {
  return dial->next_address < dial->addresses.count;
}

void plqo_dial_step(plqo_operation *op, int64_t now) {
  plqo_dial *dial = &op->dial;
  if (op->state == PLQO_RESOLVING) {
    resolve_step(op, now);
    return;
  }
  while (!look_at_racers(op, now)) {
    if (!more_addresses(dial) || dial->racer_count == PLQO_RACERS || dial->next_ns > now) break;
    start_racer(op, now);
  }
  if (op->state != PLQO_CONNECTING) return;
  if (!more_addresses(dial) || dial->racer_count == PLQO_RACERS) dial->next_ns = PLQT_NEVER;
  if (!dial->racer_count && !more_addresses(dial)) plqo_fail_connect(op, dial->last_errno);
}

void plqo_dial_stop(plqo_operation *op, int64_t now) {
  leave_lookup(op, now);
  while (op->dial.racer_count) drop_racer(&op->dial, 0);
  op->dial.next_ns = PLQT_NEVER;
}
