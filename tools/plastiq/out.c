/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static int write_error; /* the errno of the first write that failed */

void cli_out_write(const char *data, size_t len) {
  if (fflush(stdout) != 0 && write_error == 0) write_error = errno;
  while (len > 0 && write_error == 0) {
    ssize_t written = write(STDOUT_FILENO, data, len);
    if (written < 0 && errno != EINTR) write_error = errno;
    if (written <= 0) continue;
    data += written;
    len -= (size_t)written;
  }
}

void cli_out_write_escaped(const char *data, size_t len) {
  char buffer[256];
  size_t used = 0;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)data[i];
    if (c < 0x20 || c == '"' || c == '\\')
      used += (size_t)snprintf(buffer + used, sizeof buffer - used, "\\u%04x", c);
    else
      buffer[used++] = data[i];
    if (used > sizeof buffer - 8 || i + 1 == len) {
      cli_out_write(buffer, used);
      used = 0;
    }
  }
  plq_memzero(buffer, sizeof buffer);
}

void cli_out_json(json_object *object) {
  const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
  if (text == NULL && write_error == 0) write_error = ENOMEM;
  if (text != NULL) {
    cli_out_write(text, strlen(text));
    cli_out_write("\n", 1);
  }
  json_object_put(object);
}

/* Also the control characters past ASCII, which are C2 80 to C2 9F in UTF-8. */
static void clean(char *text) {
  for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
    bool past_ascii = at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F;
    if (past_ascii) at[0] = at[1] = '?';
    if (*at < 0x20 || *at == 0x7F) *at = '?';
  }
}

void cli_say(const char *format, ...) {
  char text[2048];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  clean(text);
  fprintf(stderr, "plastiq: %s\n", text);
}

int cli_out_end(int code) {
  if (fflush(stdout) != 0 && write_error == 0) write_error = errno;
  if (write_error == 0) return code;
  cli_say("standard output cannot be written: %s", strerror(write_error));
  return code == CLI_DONE ? CLI_DEFECT : code;
}
