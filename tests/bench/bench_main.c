/* SPDX-License-Identifier: MIT */
/*
 * The main function of each program of the benchmark.
 *
 * With --calls N it makes N calls and ends: so it runs under strace, where the difference of two such runs is what the calls cost
 * and nothing else. With --first M it makes M calls before, and callgrind, if told to begin later, counts only the N. Without
 * --calls, it stays, with its connections: it reads a number of calls from each line of its input, makes them, and answers with
 * what they cost. So the driver lets several programs take turns.
 */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

enum { SAMPLES = 4096 };
static int64_t samples[SAMPLES];
static size_t sample_count;

bool bench_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s: ", program_invocation_short_name);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return false;
}

bool bench_is(const struct bench_settings *settings, const char *job) {
  return settings->job != NULL && strcmp(settings->job, job) == 0;
}

int64_t bench_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void bench_sample(int64_t ns) {
  if (sample_count < SAMPLES) samples[sample_count++] = ns;
}

static int by_size(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

static int64_t median(void) {
  if (sample_count == 0) return -1;
  qsort(samples, sample_count, sizeof *samples, by_size);
  return samples[sample_count / 2];
}

/* All threads of the process, user and system. The sum is exact on Linux; the two parts of it are guessed by ticks. */
static int64_t cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static long resident_bytes(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1) pages = -1;
  if (file != NULL) fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static bool answer(long calls) {
  sample_count = 0;
  int64_t wall = bench_now_ns(), cpu = cpu_us();
  if (!bench_run(calls)) return false;
  cpu = cpu_us() - cpu;
  wall = bench_now_ns() - wall;
  struct mallinfo2 heap = mallinfo2();
  printf("{\"calls\": %ld, \"cpu_us\": %" PRId64 ", \"wall_us\": %" PRId64
         ", \"resident\": %ld, \"heap\": %zu, \"sample_ns\": %" PRId64 "}\n",
         calls, cpu, wall / 1000, resident_bytes(), heap.uordblks + heap.hblkhd, median());
  return fflush(stdout) == 0;
}

static bool take_orders(void) {
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL)
    if (!answer(strtol(line, NULL, 10))) return false;
  return true;
}

static bool number(const char *text, long least, long most, long *out) {
  char *end = NULL;
  errno = 0;
  *out = strtol(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && *out >= least && *out <= most;
}

int main(int argc, char **argv) {
  static const struct option known[] = {
      {"job", required_argument, NULL, 'j'},       {"transport", required_argument, NULL, 't'},
      {"port", required_argument, NULL, 'p'},      {"ca-file", required_argument, NULL, 'c'},
      {"in-flight", required_argument, NULL, 'f'}, {"max-connections", required_argument, NULL, 'm'},
      {"http", required_argument, NULL, 'h'},      {"calls", required_argument, NULL, 'n'},
      {"first", required_argument, NULL, 'w'},     {NULL, 0, NULL, 0}};
  struct bench_settings settings = {.job = "create", .transport = "openssl", .in_flight = 1};
  long calls = -1, first = 0, value = 0;
  for (int which; (which = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    bool ok = which != '?' && (strchr("jtc", which) != NULL || number(optarg, 0, INT32_MAX, &value));
    if (which == 'j') settings.job = optarg;
    if (which == 't') settings.transport = optarg;
    if (which == 'c') settings.ca_file = optarg;
    if (which == 'p') settings.port = (int)value;
    if (which == 'f') settings.in_flight = (int)value;
    if (which == 'm') settings.max_connections = (int)value;
    if (which == 'h') settings.http = (int)value;
    if (which == 'n') calls = value;
    if (which == 'w') first = value;
    if (!ok) return bench_fail("wrong command line"), 2;
  }
  if (!bench_open(&settings)) return 1;
  bool well = first == 0 || bench_run(first);
  CALLGRIND_START_INSTRUMENTATION;
  well = well && (calls >= 0 ? bench_run(calls) : take_orders());
  CALLGRIND_STOP_INSTRUMENTATION;
  return bench_close() && well ? 0 : 1;
}
