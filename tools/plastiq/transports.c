/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct poptOption output_table[] = {{"json", 0, POPT_ARG_NONE, NULL, CLI_JSON, "Print a JSON object", NULL},
                                                 {"help", 'h', POPT_ARG_NONE, NULL, CLI_HELP, "Show this help", NULL},
                                                 POPT_TABLEEND};
static const struct poptOption table[] = {{NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_loading_table, 0, "Where to look:", NULL},
                                          {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)output_table, 0, "Output:", NULL},
                                          POPT_TABLEEND};

static const char *text(const plq_transports *list, uint32_t index, int32_t which) {
  return plq_transports_text(list, index, which, NULL);
}

static json_object *capabilities_json(const char *names) {
  json_object *list = json_object_new_array();
  for (const char *at = names; *at != '\0';) {
    size_t len = strcspn(at, " ");
    json_object_array_add(list, json_object_new_string_len(at, (int)len));
    at += len + strspn(at + len, " ");
  }
  return list;
}

static json_object *transport_json(const plq_transports *list, uint32_t i) {
  json_object *object = json_object_new_object();
  const char *failure = text(list, i, PLQ_TRANSPORT_FAILURE);
  cli_add_text(object, "name", text(list, i, PLQ_TRANSPORT_NAME));
  cli_add_text(object, "path", text(list, i, PLQ_TRANSPORT_PATH));
  cli_add_text(object, "failure", failure);
  if (failure[0] != '\0') return object;
  cli_add_text(object, "class", text(list, i, PLQ_TRANSPORT_CLASS));
  cli_add_text(object, "version", text(list, i, PLQ_TRANSPORT_VERSION));
  cli_add_text(object, "stack", text(list, i, PLQ_TRANSPORT_STACK));
  cli_add_text(object, "id", text(list, i, PLQ_TRANSPORT_ID));
  cli_add_text(object, "vendor", text(list, i, PLQ_TRANSPORT_VENDOR));
  cli_add_text(object, "license", text(list, i, PLQ_TRANSPORT_LICENSE));
  json_object_object_add(object, "capabilities", capabilities_json(text(list, i, PLQ_TRANSPORT_CAPABILITIES)));
  return object;
}

static void print_json(const plq_transports *list) {
  json_object *object = json_object_new_object(), *rows = json_object_new_array();
  for (uint32_t i = 0; i < plq_transports_count(list); i++) json_object_array_add(rows, transport_json(list, i));
  json_object_object_add(object, "transports", rows);
  cli_out_json(object);
}

static int widest(const plq_transports *list, int32_t which) {
  size_t width = 0;
  for (uint32_t i = 0; i < plq_transports_count(list); i++) {
    size_t len = strlen(text(list, i, which));
    if (len > width) width = len;
  }
  return (int)width;
}

static void print_table(const plq_transports *list) {
  int name = widest(list, PLQ_TRANSPORT_NAME), class = widest(list, PLQ_TRANSPORT_CLASS),
      version = widest(list, PLQ_TRANSPORT_VERSION);
  for (uint32_t i = 0; i < plq_transports_count(list); i++) {
    const char *failure = text(list, i, PLQ_TRANSPORT_FAILURE), *path = text(list, i, PLQ_TRANSPORT_PATH);
    printf("%-*s  ", name, text(list, i, PLQ_TRANSPORT_NAME));
    if (failure[0] != '\0') {
      printf("not usable: %s\n", failure);
      continue;
    }
    printf("%-*s  %-*s  %s\n", class, text(list, i, PLQ_TRANSPORT_CLASS), version, text(list, i, PLQ_TRANSPORT_VERSION),
           text(list, i, PLQ_TRANSPORT_STACK));
    printf("%-*s  %s\n", name, "", text(list, i, PLQ_TRANSPORT_CAPABILITIES));
    printf("%-*s  %s\n", name, "", path[0] != '\0' ? path : "linked in");
  }
  if (plq_transports_count(list) == 0) cli_say("there are no transports there");
}

static int list_all(const struct cli_args *args) {
  plq_options *options = NULL;
  plq_transports *list = NULL;
  plq_error *error = NULL;
  int end = cli_options_new(args, &options);
  if (end == CLI_GO_ON) {
    int32_t status = plq_transports_new(options, &list, &error);
    end = status == PLQ_OK ? CLI_DONE : cli_fail(args, status, error);
  }
  if (list != NULL && cli_args_has(args, CLI_JSON))
    print_json(list);
  else if (list != NULL)
    print_table(list);
  plq_transports_free(list);
  plq_options_free(options);
  return end;
}

int cli_transports(int argc, const char **argv) {
  struct cli_args args;
  int end = cli_args_read(&args, "plastiq transports", table, argc, argv);
  if (end == CLI_GO_ON) end = list_all(&args);
  cli_args_free(&args);
  return end;
}
