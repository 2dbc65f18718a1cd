/* SPDX-License-Identifier: MIT */
#include "token_files.h"

#include <plastiq/options.h>
#include <stdio.h>

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/secure.h"
#include "client.h"

enum { LARGEST = 64 * 1024, TROUBLE_ROOM = 200 };

static const struct {
  enum plq__option_index token, file;
} rows[2] = {{PLQ__OPT_ACCESS_TOKEN, PLQ__OPT_ACCESS_TOKEN_FILE},
             {PLQ__OPT_SECOND_ACCESS_TOKEN, PLQ__OPT_SECOND_ACCESS_TOKEN_FILE}};

static const char *name_of(enum plq__option_index index) {
  return plq__option_row(index)->name;
}

int32_t plq__token_files_choose(plq_options *options, plq_error **out_error) {
  for (int i = 0; i < 2; i++) {
    if (!plq__options_is_set(options, rows[i].token) || !plq__options_is_set(options, rows[i].file)) continue;
    int32_t token = options->values[rows[i].token].source, file = options->values[rows[i].file].source;
    if (token == file)
      return plq__fail(out_error, PLQ_E_OPTION_VALUE, name_of(rows[i].file), "%s and %s are both set; set one of them",
                       name_of(rows[i].token), name_of(rows[i].file));
    plq__options_unset(options, token > file ? rows[i].file : rows[i].token);
  }
  return PLQ_OK;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct plq__text trim(struct plq__text text) {
  while (text.len > 0 && is_blank(text.at[0])) text.at++, text.len--;
  while (text.len > 0 && is_blank(text.at[text.len - 1])) text.len--;
  return text;
}

/* Reads a token into the secure pages: *out_block is to be freed there. On failure the trouble completes a sentence about the
 * file. */
static int32_t read_token(const char *path, char **out_block, struct plq__text *out_token, struct plq__file_mark *out_mark,
                          char trouble[TROUBLE_ROOM]) {
  struct plq__file_text text;
  int32_t status = plq__file_text_read(path, LARGEST, &text, trouble, TROUBLE_ROOM);
  *out_block = NULL;
  if (status != PLQ_OK) return status;
  struct plq__text token = trim((struct plq__text){text.at, text.len});
  *out_mark = text.mark;
  if (!plq__is_bearer(token)) {
    snprintf(trouble, TROUBLE_ROOM,
             token.len == 0 ? "is empty"
                            : "holds no access token: that is 1 or more of A-Z a-z 0-9 - . _ ~ + / and = at the "
                              "end (RFC 6750 section 2.1), and nothing else");
    plq__secure_free(text.at);
    return PLQ_E_TOKEN_INVALID;
  }
  *out_block = text.at;
  *out_token = token;
  return PLQ_OK;
}

int32_t plq__token_files_read(const plq_options *options, struct plq__following *out_following, struct plq__tokens **out_tokens,
                              plq_error **out_error) {
  struct plq__text tokens[2] = {{NULL, 0}, {NULL, 0}};
  char *blocks[2] = {NULL, NULL}, trouble[TROUBLE_ROOM];
  int32_t sources[2] = {0, 0}, status = PLQ_OK;
  for (int i = 0; i < 2 && status == PLQ_OK; i++) {
    const struct plq__value *token = &options->values[rows[i].token], *file = &options->values[rows[i].file];
    tokens[i] = (struct plq__text){token->text, token->len};
    sources[i] = file->text != NULL ? file->source : token->source;
    if (file->text == NULL) continue;
    out_following->files[i].path = file->text;
    status = read_token(file->text, &blocks[i], &tokens[i], &out_following->files[i].mark, trouble);
    if (status == PLQ_E_MEMORY)
      plq__fail_plain(out_error, status);
    else if (status != PLQ_OK)
      status =
          plq__fail(out_error, PLQ_E_TOKEN_FILE, name_of(rows[i].file), "%s: %s %s", name_of(rows[i].file), file->text, trouble);
  }
  out_following->looked_ns = plq__now_ns();
  if (status == PLQ_OK) {
    *out_tokens = plq__tokens_new(tokens[0], tokens[1], sources[0]);
    if (*out_tokens == NULL) status = plq__fail_plain(out_error, PLQ_E_MEMORY);
    if (*out_tokens != NULL) (*out_tokens)->source[1] = sources[1];
  }
  plq__secure_free(blocks[0]);
  plq__secure_free(blocks[1]);
  return status;
}

/* ---- following ---- */

/* Tells what became of a file, once for each change of it: one that stays broken is not news every second. */
static void tell(struct plq__live *live, int i, const char *trouble) {
  const char *path = live->following.files[i].path, *name = name_of(rows[i].file);
  char line[700];
  if (trouble != NULL)
    snprintf(line, sizeof line, "%s: %s %s; the last good token stays in use", name, path, trouble);
  else
    snprintf(line, sizeof line, "%s: a new token was read from %s", name, path);
  plq__live_log(live, trouble != NULL ? PLQ_LOG_WARNING : PLQ_LOG_INFO, plq__text_in(line, PLQ_NUL));
  if (trouble == NULL) plq__count(&live->lane, PLQ__COUNT_TOKENS_READ, 1);
}

/* Puts a changed token in place of the one in `tokens`; false: nothing changed, or it cannot be had. */
static bool look(struct plq__live *live, int i, struct plq__text tokens[2], char *blocks[2]) {
  struct plq__following *following = &live->following;
  struct plq__file_mark mark;
  char trouble[TROUBLE_ROOM];
  const char *path = following->files[i].path;
  if (path == NULL) return false;
  (void)plq__file_look(path, &mark);
  if (plq__file_same(&mark, &following->files[i].mark)) return false;
  int32_t status = read_token(path, &blocks[i], &tokens[i], &mark, trouble);
  if (status == PLQ_E_MEMORY) return false;
  if (status != PLQ_E_BUSY) following->files[i].mark = mark; /* while it is being written, it is looked at again */
  tell(live, i, status == PLQ_OK ? NULL : trouble);
  return status == PLQ_OK;
}

static struct plq__tokens *look_at_both(struct plq__live *live, const struct plq__tokens *old) {
  struct plq__text tokens[2] = {plq__tokens_bare(old, 0), plq__tokens_bare(old, 1)};
  char *blocks[2] = {NULL, NULL};
  bool first = look(live, 0, tokens, blocks), second = look(live, 1, tokens, blocks);
  struct plq__tokens *fresh = first || second ? plq__tokens_new(tokens[0], tokens[1], old->source[0]) : NULL;
  if (fresh != NULL) fresh->source[1] = old->source[1];
  plq__secure_free(blocks[0]);
  plq__secure_free(blocks[1]);
  return fresh;
}

void plq__token_files_follow(struct plq__live *live) {
  static const int64_t pause_ns = 1000000000;
  struct plq__following *following = &live->following;
  if (following->files[0].path == NULL && following->files[1].path == NULL) return; /* never changes */
  int64_t now_ns = plq__now_ns();
  if (now_ns - following->looked_ns < pause_ns) return; /* without the lock: this is asked before every attempt */
  pthread_mutex_lock(&live->lock);
  bool due = !following->over && !following->looking && now_ns - following->looked_ns >= pause_ns;
  if (due) {
    following->looking = true;
    following->looked_ns = now_ns;
  }
  struct plq__tokens *old = due ? plq__tokens_ref(live->tokens) : NULL;
  pthread_mutex_unlock(&live->lock);
  if (!due) return;
  struct plq__tokens *fresh = look_at_both(live, old), *gone = fresh;
  pthread_mutex_lock(&live->lock);
  if (fresh != NULL && !following->over) {
    gone = live->tokens;
    live->tokens = fresh;
    live->version++;
  }
  following->looking = false;
  pthread_mutex_unlock(&live->lock);
  plq__tokens_unref(gone);
  plq__tokens_unref(old);
}
