/* SPDX-License-Identifier: MIT */
/*
 * Makes one client secret and prints it. Options come from PLASTIQ_ variables, and from the command line as keys and values; the API key is in the variable
 * EXAMPLE_TOKEN.
 *
 *     cc create.c $(pkg-config --cflags --libs plastiq) -o create
 *     EXAMPLE_TOKEN=test-key-0000000000000000 ./create transport stub allow_test_transports true
 */
#include <plastiq/plastiq.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) { /* create [OPTION VALUE].. */
  plq_options *options = NULL;
  plq_client_id client = 0;
  plq_response *response = NULL;
  plq_secret *secret = NULL;
  plq_error *error = NULL;
  const char *bytes = NULL;
  int32_t status = plq_options_new(0, &options, &error);
  if (status == PLQ_OK) status = plq_options_set(options, "access_token", PLQ_NUL, getenv("EXAMPLE_TOKEN"), PLQ_NUL, &error);
  for (int i = 1; i + 1 < argc && status == PLQ_OK; i += 2)
    status = plq_options_set(options, argv[i], PLQ_NUL, argv[i + 1], PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_client_new(options, &client, &error);
  plq_client_secrets_create_params params = {.end_user_ip = "192.0.2.1"};
  if (status == PLQ_OK) status = plq_client_secrets_create(client, &params, &response, &error);
  if (status == PLQ_OK) status = plq_client_secrets_create_take_client_secret(response, &secret);
  if (status == PLQ_OK) status = plq_secret_read(secret, &bytes, NULL);
  if (status == PLQ_OK) printf("%s\n", bytes); /* the secret: for the browser, never for a log */
  if (status != PLQ_OK) fprintf(stderr, "%s: %s\n", plq_status_name(status), error ? plq_error_message(error, NULL) : plq_status_text(status));
  plq_secret_free(secret), plq_response_free(response), plq_error_free(error), plq_options_free(options);
  plq_client_free(client);
  return status == PLQ_OK ? 0 : 1;
}
