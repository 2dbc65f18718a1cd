/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "files.h"

static bool add_text(struct json_object *object, const char *name, const char *text) {
  struct json_object *value = text == NULL ? NULL : json_object_new_string(text);
  return (text == NULL || value != NULL) && json_object_object_add(object, name, value) == 0;
}

/* The ready line, to be released. */
static struct json_object *ready_json(const char *url, const char *admin_url, int port, const char *ca) {
  struct json_object *object = json_object_new_object();
  if (object != NULL && add_text(object, "url", url) && add_text(object, "admin_url", admin_url) &&
      json_object_object_add(object, "port", json_object_new_int(port)) == 0 && add_text(object, "ca", ca)) {
    return object;
  }
  json_object_put(object);
  return NULL;
}

static bool write_ready(const struct arguments *a, const char *line) {
  bool good = true;
  if (a->ready_fd >= 0) {
    good = file_write_all(a->ready_fd, line, strlen(line));
    if (a->ready_fd > STDERR_FILENO) close(a->ready_fd);
    if (!good) fprintf(stderr, "plastiq-emulator: --ready-fd %d: %s\n", a->ready_fd, strerror(errno));
  }
  if (good && a->ready_file != NULL) {
    good = file_write(a->ready_file, line, strlen(line), 0644);
    if (!good) fprintf(stderr, "plastiq-emulator: --ready-file %s: %s\n", a->ready_file, strerror(errno));
  }
  return good;
}

static void tell_people(const struct arguments *a, const char *url, const char *admin_url, const char *ca) {
  printf("base URL   %s\nadmin URL  %s\n", url, admin_url);
  if (ca != NULL) printf("CA file    %s\n", ca);
  if (a->keys.count == 0) printf("API key    %s (a test value)\n", ENGINE_DEFAULT_KEY);
  fflush(stdout);
}

bool report_ready(const struct arguments *a, const struct address *address, int port) {
  char *url = NULL;
  char *admin_url = NULL;
  char *line = NULL;
  char *folder = a->make_ca == NULL ? NULL : realpath(a->make_ca, NULL);
  char *ca = folder == NULL ? NULL : file_path(folder, "ca.pem");
  const char *scheme = a->plain_http ? "http" : "https";
  const char *base = a->base_path == NULL ? ENGINE_DEFAULT_BASE_PATH : strcmp(a->base_path, "/") == 0 ? "" : a->base_path;
  struct json_object *json = NULL;
  bool good = asprintf(&url, "%s://%s:%d%s", scheme, address->url_host, port, base) >= 0;
  good = asprintf(&admin_url, "%s://%s:%d" ADMIN_PREFIX, scheme, address->url_host, port) >= 0 && good;
  if (good) json = ready_json(url, admin_url, port, ca);
  if (json != NULL) {
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    good = asprintf(&line, "%s\n", text) >= 0;
  }
  if (good && json != NULL) tell_people(a, url, admin_url, ca);
  good = good && json != NULL && write_ready(a, line);
  json_object_put(json);
  free(line);
  free(admin_url);
  free(url);
  free(ca);
  free(folder);
  return good;
}

static const char *ending(const engine_answer *answer) {
  if (answer->drop == ENGINE_DROP_BEFORE_HANDLING) return "dropped before it was handled";
  if (answer->drop == ENGINE_DROP_AFTER_HANDLING) return "dropped after it was handled";
  return answer->fault ? "fault" : "";
}

/* Nothing here needs escaping: the engine leaves only harmless characters in method and path, and codes and ids are names. */
void report_request(log_format format, const engine_answer *answer, int64_t elapsed_us) {
  struct timespec now;
  struct tm broken;
  char time_text[32];
  bool silent = answer->drop == ENGINE_DROP_BEFORE_HANDLING || answer->drop == ENGINE_DROP_AFTER_HANDLING;
  int status = silent ? 0 : answer->status;
  if (format == LOG_NONE) return;
  clock_gettime(CLOCK_REALTIME, &now);
  strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &broken));
  if (format == LOG_JSON) {
    fprintf(
        stderr,
        "{\"time\":\"%s.%03ldZ\",\"method\":\"%s\",\"path\":\"%s\",\"status\":%d,\"ms\":%.3f,\"trace_id\":\"%s\",\"code\":\"%s\","
        "\"note\":\"%s\"}\n",
        time_text, now.tv_nsec / 1000000, answer->method, answer->path, status, (double)elapsed_us / 1000, answer->trace_id,
        answer->code, ending(answer));
    return;
  }
  fprintf(stderr, "%s.%03ldZ %s %s %d %.3f ms %s%s%s%s%s\n", time_text, now.tv_nsec / 1000000, answer->method, answer->path,
          status, (double)elapsed_us / 1000, answer->trace_id, *answer->code == '\0' ? "" : " ", answer->code,
          *ending(answer) == '\0' ? "" : ", ", ending(answer));
}
