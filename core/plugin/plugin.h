/* SPDX-License-Identifier: MIT */
/*
 * Transport plugins: finding, checking and loading them, and making instances. A plugin, once loaded, stays for the life of the
 * process; what it says of itself is copied into structs of this version, with 0 where it says nothing.
 */
#ifndef PLQ_PLUGIN_PLUGIN_H
#define PLQ_PLUGIN_PLUGIN_H

#include <plastiq/transport.h>

#include "../base/error.h"
#include "../base/events.h"
#include "../base/options.h"

struct plq__plugin {
  plq_transport transport;           /* normalized copy */
  plq_transport_functions functions; /* normalized copy */
  char *path;                        /* "" if it is linked in */
  struct plq__plugin *next;
};

/* Loads the transport that the options choose. A failure's error has the load log. [any thread] */
int32_t plq__plugin_load(const plq_options *options, const struct plq__plugin **out_plugin, plq_error **out_error);

/* One instance, with the host table that it was given. */
struct plq__instance {
  const struct plq__plugin *plugin;
  plq_transport_instance *transport;
  plq_transport_host host;
  const plq_transport_clock *clock; /* of a test transport that has one, else NULL */
  const plq_transport_connections *connections; /* or NULL */
  plq_transport_instance *timed;    /* whose clock that is */
  struct plq__instance *behind;     /* what it opened by plastiq.chain/1, or NULL */
  int64_t ended_ns;                 /* when the transport's instance was destroyed, or 0 */
};

/* Checks the options against the plugin's schema and makes an instance. */
int32_t plq__instance_new(const struct plq__plugin *plugin, const plq_options *options, struct plq__instance **out_instance,
                          plq_error **out_error);
/* Destroys the transport's instance, which reports what it had not done. Its clock stands still from now on. */
void plq__instance_end(struct plq__instance *instance);
/* Destroys the transport's instance, unless that was done, and frees. */
void plq__instance_free(struct plq__instance *instance);
/* Now on the instance's clock, which a test transport may provide. */
int64_t plq__instance_now_ns(const struct plq__instance *instance);
/* In a forked child: closes the descriptors of the parent's instance and leaves all else alone. */
void plq__instance_abandon(struct plq__instance *instance);

/* How many connections the instance has; false: it does not tell. */
bool plq__instance_connections(const struct plq__instance *instance, uint32_t *out_open, uint32_t *out_busy);

/* What the plugin logs on this thread is told to these, until NULL is given. */
void plq__host_emit_to(const struct plq__emitter *emitter, const char *source);

/* Makes an error from what a transport reported: unknown or foreign statuses become PLQ_E_TRANSPORT_MISBEHAVED. */
int32_t plq__plugin_fail(plq_error **out_error, const struct plq__plugin *plugin, int32_t status, const plq_transport_error *reported);

/* A list of one for plq_client_transport(). */
int32_t plq__transports_of(const struct plq__plugin *plugin, plq_transports **out_transports, plq_error **out_error);

#endif
