/* SPDX-License-Identifier: MIT */
#include <plastiq/client.h>

#include "../base/ambient.h"
#include "../base/error.h"
#include "../base/handle.h"
#include "../operations/operation.h"
#include "../pipeline/client.h"
#include "../pipeline/warm.h"
#include "enter.h"

/* The base layer does not know the operations, so their names are checked here. */
static int32_t check_operations(const plq_options *options, plq_error **out_error) {
  const char *list = plq__options_text(options, PLQ__OPT_RETRY_OPERATIONS);
  struct plq__text rest = plq__text_in(list, PLQ_NUL), name;
  while (plq__next_part(&rest, ',', &name)) {
    if (plq__operation_find(name) != NULL) continue;
    const char *nearest = plq__operation_nearest(name);
    return plq__fail(out_error, PLQ_E_OPTION_VALUE, "retry_operations", "retry_operations names an operation that does not exist; %s%s",
                     nearest != NULL ? "the nearest is " : "docs/operations.md lists them", nearest != NULL ? nearest : "");
  }
  return PLQ_OK;
}

int32_t plq_client_new(const plq_options *options, plq_client_id *out_client, plq_error **out_error) {
  plq__out_error(out_error);
  if (out_client == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, "out_client", "out_client is NULL");
  *out_client = 0;
  if (plq__inside_observer()) return plq__fail_plain(out_error, PLQ_E_REENTRANT);
  if (options != NULL && options->flags & PLQ__OPTIONS_SHOWN)
    return plq__fail(out_error, PLQ_E_ARGUMENT, "options",
                     "these options came from plq_client_options() and lack the secrets; make a client from options of your own");
  plq_options *made = NULL;
  int32_t status = options == NULL ? plq_options_new(0, &made, out_error) : PLQ_OK;
  if (status != PLQ_OK) return status;
  if (options == NULL) options = made;
  status = check_operations(options, out_error);
  if (status == PLQ_OK) status = plq__client_new(options, out_client, out_error);
  if (status != PLQ_OK && out_error != NULL) plq__ambient_blame(options, *out_error);
  plq__options_free(made);
  return status;
}

struct plq__client *plq__enter_to_read(plq_client_id id, struct plq__live **out_live, int32_t *out_status, plq_error **out_error) {
  plq__out_error(out_error);
  struct plq__client *client = plq__client_acquire(id);
  if (client == NULL) {
    *out_status = plq__fail_plain(out_error, PLQ_E_HANDLE);
    return NULL;
  }
  *out_live = plq__client_live(client, out_status, out_error);
  if (*out_live != NULL) return client;
  plq__client_release(client);
  return NULL;
}

struct plq__client *plq__enter(plq_client_id id, struct plq__live **out_live, int32_t *out_status, plq_error **out_error) {
  plq__out_error(out_error);
  if (!plq__inside_observer()) return plq__enter_to_read(id, out_live, out_status, out_error);
  *out_status = plq__fail_plain(out_error, PLQ_E_REENTRANT);
  return NULL;
}

static int32_t check_token(const char *name, struct plq__text token, plq_error **out_error) {
  if (token.at == NULL || plq__is_bearer(token)) return PLQ_OK;
  return plq__fail(out_error, PLQ_E_TOKEN_INVALID, name,
                   "%s must be 1 or more of A-Z a-z 0-9 - . _ ~ + / and = at the end (RFC 6750 section 2.1); nothing was replaced", name);
}

int32_t plq_client_set_tokens(plq_client_id id, const char *token, size_t token_len, const char *second_token, size_t second_token_len,
                              plq_error **out_error) {
  struct plq__live *live;
  int32_t status;
  struct plq__client *client = plq__enter(id, &live, &status, out_error);
  if (client == NULL) return status;
  struct plq__text first = plq__text_in(token, token_len), second = plq__text_in(second_token, second_token_len);
  status = check_token("token", first, out_error);
  if (status == PLQ_OK) status = check_token("second_token", second, out_error);
  if (status == PLQ_OK && client->ambient_address >= 0 && (first.at != NULL || second.at != NULL))
    status = plq__ambient_refuse(client->options, client->ambient_address, first.at != NULL ? "token" : "second_token", out_error);
  if (status == PLQ_OK) {
    struct plq__tokens *tokens = plq__tokens_new(first, second, PLQ_SOURCE_CODE);
    if (tokens != NULL)
      plq__live_set_tokens(live, tokens);
    else
      status = plq__fail_plain(out_error, PLQ_E_MEMORY);
  }
  plq__client_release(client);
  return status;
}

int32_t plq_client_warm(plq_client_id id, uint32_t count, int64_t timeout_ms, uint32_t *out_connections, plq_error **out_error) {
  struct plq__live *live;
  int32_t status;
  if (out_connections != NULL) *out_connections = 0;
  struct plq__client *client = plq__enter(id, &live, &status, out_error);
  if (client == NULL) return status;
  status = plq__warm(live, count, timeout_ms, out_connections, out_error);
  plq__client_release(client);
  return status;
}

int32_t plq_client_options(plq_client_id id, plq_options **out_options, plq_error **out_error) {
  struct plq__live *live;
  int32_t status;
  if (out_options != NULL) *out_options = NULL;
  struct plq__client *client = plq__enter_to_read(id, &live, &status, out_error);
  if (client == NULL) return status;
  plq_options *shown = NULL;
  if (out_options == NULL)
    status = plq__fail(out_error, PLQ_E_ARGUMENT, "out_options", "out_options is NULL");
  else if ((shown = plq__options_show(client->options)) == NULL)
    status = plq__fail_plain(out_error, PLQ_E_MEMORY);
  struct plq__tokens *tokens = plq__live_tokens(live);
  static const char *const names[2] = {"access_token", "second_access_token"};
  for (int i = 0; i < 2 && status == PLQ_OK; i++)
    if (tokens->header[i] != NULL)
      status = plq__options_put(shown, plq__text_in(names[i], PLQ_NUL), PLQ__TEXT("set"), tokens->source[i], out_error);
  plq__tokens_unref(tokens);
  if (status == PLQ_OK)
    *out_options = shown;
  else
    plq__options_free(shown);
  plq__client_release(client);
  return status;
}

int32_t plq_client_transport(plq_client_id id, plq_transports **out_transports, plq_error **out_error) {
  struct plq__live *live;
  int32_t status;
  if (out_transports != NULL) *out_transports = NULL;
  struct plq__client *client = plq__enter_to_read(id, &live, &status, out_error);
  if (client == NULL) return status;
  status = out_transports != NULL ? plq__transports_of(client->plugin, out_transports, out_error)
                                  : plq__fail(out_error, PLQ_E_ARGUMENT, "out_transports", "out_transports is NULL");
  plq__client_release(client);
  return status;
}

int32_t plq_client_close(plq_client_id id, int64_t timeout_ms) {
  if (plq__inside_observer()) return PLQ_E_REENTRANT;
  struct plq__client *client = plq__client_acquire(id);
  if (client == NULL) return PLQ_E_HANDLE;
  if (!plq__handle_close(id, PLQ__HANDLE_CLIENT)) {
    plq__client_release(client);
    return PLQ_E_HANDLE;
  }
  bool drained = plq__client_shut(client, timeout_ms);
  plq__client_release(client); /* the reference of this function, */
  plq__client_release(client); /* and the one that making the client left */
  return drained ? PLQ_OK : PLQ_E_BUSY;
}

void plq_client_free(plq_client_id id) { plq_client_close(id, 0); }
