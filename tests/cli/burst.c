/* SPDX-License-Identifier: MIT */
/*
 * Submits many calls at once to one queue, and tells what came of it as JSON. Usage: burst COUNT KEY VALUE ..., the options of the
 * client.
 */
#include <plastiq/plastiq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count_threads(void) {
  char line[128];
  int count = 0;
  FILE *file = fopen("/proc/self/status", "r");
  if (file == NULL) return -1;
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "Threads: %d", &count) == 1) break;
  fclose(file);
  return count;
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char *copy_secret(plq_response *response) {
  plq_secret *secret = NULL;
  const char *bytes = NULL;
  char *copy = NULL;
  if (plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret) == PLQ_OK && plq_secret_read(secret, &bytes, NULL) == PLQ_OK)
    copy = strdup(bytes);
  plq_secret_free(secret);
  return copy;
}

static plq_queue_id open_queue(int argc, char **argv, plq_client_id *client) {
  plq_options *options = NULL;
  plq_queue_id queue = 0;
  plq_error *error = NULL;
  int32_t status = plq_options_new(PLQ_NO_AMBIENT, &options, &error);
  for (int i = 2; i + 1 < argc && status == PLQ_OK; i += 2) status = plq_options_set(options, argv[i], PLQ_NUL, argv[i + 1], PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_client_new(options, client, &error);
  if (status == PLQ_OK) status = plq_queue_new(*client, &queue, &error);
  if (status != PLQ_OK) fprintf(stderr, "%s\n", plq_error_message(error, NULL));
  plq_error_free(error);
  plq_options_free(options);
  return queue;
}

int main(int argc, char **argv) {
  plq_client_id client = 0;
  size_t count = argc > 1 ? (size_t)atol(argv[1]) : 0, good = 0, different = 0;
  char **secrets = calloc(count + 1, sizeof *secrets);
  unsigned char *came = calloc(count + 1, 1);
  plq_queue_id queue = open_queue(argc, argv, &client);
  int before = count_threads(), most = before;
  int64_t connections = 0, stats[PLQ_QUEUE_STATS];
  if (queue == 0 || secrets == NULL || came == NULL) return 1;
  for (size_t i = 0; i < count; i++)
    if (plq_client_secrets_create_submit(queue, NULL, i, 0, NULL, NULL) != PLQ_OK) return 2;
  for (size_t i = 0; i < count; i++) {
    plq_completion *completion = NULL;
    if (plq_queue_next(queue, 60000, &completion) != PLQ_OK) return 3;
    uint64_t tag = plq_completion_tag(completion);
    if (tag >= count || came[tag]++ != 0) return 4;
    plq_response *response = plq_completion_take_response(completion);
    if (response != NULL) secrets[good++] = copy_secret(response);
    plq_response_free(response);
    plq_completion_free(completion);
    int threads = count_threads();
    if (threads > most) most = threads;
    if (plq_queue_stats(queue, stats, PLQ_QUEUE_STATS) == PLQ_OK && stats[PLQ_QUEUE_STAT_CONNECTIONS_OPEN] > connections)
      connections = stats[PLQ_QUEUE_STAT_CONNECTIONS_OPEN];
  }
  plq_queue_free(queue);
  plq_client_free(client);
  qsort(secrets, good, sizeof *secrets, compare);
  for (size_t i = 0; i < good; i++) different += secrets[i] != NULL && (i == 0 || strcmp(secrets[i - 1], secrets[i]) != 0);
  printf("{\"good\": %zu, \"different\": %zu, \"threads\": %d, \"connections\": %lld}\n", good, different, most - before,
         (long long)connections);
  for (size_t i = 0; i < good; i++) free(secrets[i]);
  free(secrets);
  free(came);
  return 0;
}
