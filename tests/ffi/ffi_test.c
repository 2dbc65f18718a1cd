/* SPDX-License-Identifier: MIT */
/* ffi_test each|random: the calls are made in a process of their own, which the one that was started watches. */
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

enum { DESCRIPTORS = 256, SIGNALS = 64, PATIENCE_S = 60 };
extern char **environ;

/* ---- what a library must leave alone ---- */

struct surroundings {
  struct sigaction actions[SIGNALS];
  sigset_t mask;
  char locale[256], folder[4096];
  char **environment;
  uint64_t environment_sum;
  mode_t umask;
  bool open[DESCRIPTORS];
  int threads, files;
};

static int count_entries(const char *folder) {
  DIR *directory = opendir(folder);
  int count = -2; /* . and .. */
  while (directory != NULL && readdir(directory) != NULL) count++;
  if (directory != NULL) closedir(directory);
  return count;
}

static void look_around(struct surroundings *seen) {
  memset(seen, 0, sizeof *seen);
  for (int i = 1; i < SIGNALS; i++) sigaction(i, NULL, &seen->actions[i]);
  pthread_sigmask(SIG_BLOCK, NULL, &seen->mask);
  snprintf(seen->locale, sizeof seen->locale, "%s", setlocale(LC_ALL, NULL));
  if (getcwd(seen->folder, sizeof seen->folder) == NULL) abort();
  seen->environment = environ;
  for (char **at = environ; *at != NULL; at++)
    for (const char *c = *at; *c != '\0'; c++) seen->environment_sum = seen->environment_sum * 31 + (unsigned char)*c;
  seen->umask = umask(022);
  umask(seen->umask);
  for (int i = 0; i < DESCRIPTORS; i++) seen->open[i] = fcntl(i, F_GETFD) >= 0;
  seen->threads = count_entries("/proc/self/task");
  seen->files = count_entries(".");
}

static void compare(const struct surroundings *before, const struct surroundings *after) {
  for (int i = 1; i < SIGNALS; i++)
    if (before->actions[i].sa_handler != after->actions[i].sa_handler ||
        before->actions[i].sa_flags != after->actions[i].sa_flags)
      problem("library", "it changed what signal %d does", i);
  for (int i = 1; i < SIGNALS; i++)
    if (sigismember(&before->mask, i) != sigismember(&after->mask, i))
      problem("library", "it changed whether signal %d is blocked", i);
  if (strcmp(before->locale, after->locale) != 0) problem("library", "it changed the locale to %s", after->locale);
  if (strcmp(before->folder, after->folder) != 0) problem("library", "it changed the working folder");
  if (before->environment != after->environment || before->environment_sum != after->environment_sum)
    problem("library", "it changed the environment");
  if (before->umask != after->umask) problem("library", "it changed the umask");
  for (int i = 0; i < DESCRIPTORS; i++)
    if (before->open[i] != after->open[i]) problem("library", "descriptor %d is %s", i, after->open[i] ? "left open" : "closed");
  if (before->threads != after->threads) problem("library", "there are %d threads, not %d", after->threads, before->threads);
  if (after->files != 0) problem("library", "it left %d files in the working folder", after->files);
}

/* ---- the sections ---- */

/* Each function: as it is meant to be called, with each hostile value in each place, and in any way. */
static void call_each(void) {
  enum { GOOD_TRIES = 400, ANYHOW = 60 };
  for (int i = 0; i < function_count; i++) {
    const struct function *function = &functions[i];
    struct plan plan = plan_all(GOOD);
    uint64_t before = tallies[i].successes;
    for (int tries = 0; tries < GOOD_TRIES && (tries < 4 || tallies[i].successes == before); tries++) {
      if (tries % 4 == 0) renew();
      refill();
      prepare(function);
      run(function, &plan);
    }
    for (int argument = 0; argument < function->argc; argument++)
      for (int variant = 0; variant < variants(&function->args[argument]); variant++)
        for (int way = 0; way < 4; way++) {
          plan = plan_all(way < 3 ? GOOD : ANY);
          plan.mode[argument] = variant;
          if (variant % 4 == 0 && way == 0) renew();
          refill();
          prepare(function);
          run(function, &plan);
        }
    for (int way = 0; way < ANYHOW; way++) {
      plan = plan_all(way == 0 ? 0 : ANY); /* the first of all: NULL and 0 everywhere */
      refill();
      run(function, &plan);
    }
  }
}

static void call_at_random(uint64_t calls) {
  while (sight->calls < calls) {
    const struct function *function = &functions[below((uint64_t)function_count)];
    const struct plan plan = plan_all(ANY);
    if (below(64) == 0) renew();
    refill();
    if (below(4) == 0) prepare(function);
    run(function, &plan);
  }
}

/* ---- whether every function was reached ---- */

static bool cannot_succeed(const char *name) {
  static const struct { const char *name, *why; } rows[] = {{"plq_response_text", "no operation has a result that is text"}};
  if (strcmp(name, "plq_client_observe") == 0 || strcmp(name, "plq_client_unobserve") == 0)
    return (library.plq_features() & PLQ_FEATURE_OBSERVERS) == 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, name) == 0) return true;
  return false;
}

static void check_coverage(void) {
  for (int i = 0; i < function_count; i++) {
    const struct tally *tally = &tallies[i];
    const char *name = functions[i].name;
    if (tally->calls == 0) problem(name, "it was never called");
    if (tally->successes == 0 && !cannot_succeed(name))
      problem(name, "none of %llu calls succeeded", (unsigned long long)tally->calls);
    if (tally->successes > 0 && cannot_succeed(name)) problem(name, "it succeeded: take it out of what cannot");
    if (tally->failures == 0 && functions[i].result == RESULT_STATUS)
      problem(name, "none of %llu calls failed", (unsigned long long)tally->calls);
    if (getenv("TEST_TALLY") != NULL)
      fprintf(report, "%-32s %8llu %8llu\n", name, (unsigned long long)tally->successes, (unsigned long long)tally->failures);
  }
}

/* ---- the process that calls ---- */

static void set_environment(void) {
  for (char **at = environ; *at != NULL;) {
    char name[128];
    size_t len = strcspn(*at, "=");
    if (strncmp(*at, "PLASTIQ_", 8) == 0 && len < sizeof name) {
      memcpy(name, *at, len);
      name[len] = '\0';
      unsetenv(name);
    } else {
      at++;
    }
  }
  setenv("PLASTIQ_TRANSPORT", "stub", 1); /* where no options are given: refused, since nobody allows test transports */
  setenv("PLASTIQ_TRANSPORT_DIR", library.transports, 1);
}

static int call_library(const char *section, uint64_t calls) {
  struct surroundings before, after;
  set_environment();
  look_around(&before);
  calls_open();
  if (strcmp(section, "each") == 0)
    call_each();
  else
    call_at_random(calls);
  check_coverage();
  calls_close();
  look_around(&after);
  compare(&before, &after);
  sight->finished = true;
  return sight->problems > 0;
}

/* ---- the process that watches ---- */

static void show(int fd) {
  char buffer[4096];
  ssize_t got;
  lseek(fd, 0, SEEK_SET);
  while ((got = read(fd, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, (size_t)got, stdout);
}

static void say_died(const char *how, int number) {
  char name[64] = "library";
  size_t len = strcspn(sight->text[0], "(");
  if (len > 0 && len < sizeof name) memcpy(name, sight->text[0], len), name[len] = '\0';
  printf("[  FAILED  ] %s\n  %s %d\n  call %llu: %s\n", name, how, number, (unsigned long long)sight->calls, sight->text[0]);
  if (sight->text[1][0] != '\0') printf("  the last one inside of an observer: %s\n", sight->text[1]);
  printf("  TEST_SEED=%llu makes the same calls\n", (unsigned long long)seed);
}

/* Returns how the process ended; one that makes no call for too long is ended. */
static int watch(pid_t child) {
  uint64_t calls = 0;
  int status, quiet = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    nanosleep(&(struct timespec){0, 50 * 1000 * 1000}, NULL);
    quiet = sight->calls == calls ? quiet + 1 : 0;
    calls = sight->calls;
    if (quiet < PATIENCE_S * 20) continue;
    say_died("it hangs, for seconds:", PATIENCE_S);
    kill(child, SIGABRT);
    waitpid(child, &status, 0);
    sight->problems++;
    return 1;
  }
  if (WIFEXITED(status) && (sight->finished || sight->problems > 0)) return WEXITSTATUS(status);
  if (WIFEXITED(status)) /* by a sanitizer, say */
    say_died("exit status", WEXITSTATUS(status));
  else
    say_died("signal", WTERMSIG(status));
  sight->problems++;
  return 1;
}

int main(int argc, char **argv) {
  const char *section = argc == 2 ? argv[1] : "", *seed_text = getenv("TEST_SEED"), *calls_text = getenv("TEST_CALLS");
  library.transports = getenv("TEST_TRANSPORTS");
  if ((strcmp(section, "each") != 0 && strcmp(section, "random") != 0) || getenv("TEST_LIBRARY") == NULL ||
      library.transports == NULL) {
    fprintf(stderr, "usage: TEST_LIBRARY=FILE TEST_TRANSPORTS=FOLDER [TEST_SEED=N] [TEST_CALLS=N] ffi_test each|random\n");
    return 2;
  }
  seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : 1;
  char folder[4096];
  snprintf(folder, sizeof folder, "%s/plastiq-ffi-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
  sight = mmap(NULL, sizeof *sight, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int printed = memfd_create("printed", 0);
  if (sight == MAP_FAILED || printed < 0 || mkdtemp(folder) == NULL) {
    perror("ffi_test");
    return 1;
  }
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    report = fdopen(dup(1), "w");
    if (report == NULL || dup2(printed, 1) < 0 || dup2(printed, 2) < 0 || chdir(folder) != 0) _exit(1);
    int result = call_library(section, calls_text != NULL ? strtoull(calls_text, NULL, 10) : 200000);
    fclose(report);
    exit(result); /* LeakSanitizer looks now */
  }
  int result = watch(child);
  off_t said = lseek(printed, 0, SEEK_END);
  if (said != 0) {
    printf("[  FAILED  ] library\n  it printed %lld bytes, or a sanitizer did:\n", (long long)said);
    show(printed);
  }
  rmdir(folder);
  bool good = result == 0 && said == 0 && sight->problems == 0;
  printf("%s: %llu calls of %d functions, seed %llu: %s\n", section, (unsigned long long)sight->calls, function_count,
         (unsigned long long)seed, good ? "all is well" : "FAILED");
  return good ? 0 : 1;
}
