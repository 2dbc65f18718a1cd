/* SPDX-License-Identifier: MIT */
/* Access tokens from files, which are followed while a client lives. */
#ifndef PLQ_PIPELINE_TOKEN_FILES_H
#define PLQ_PIPELINE_TOKEN_FILES_H

#include "../base/file.h"
#include "../base/options.h"
#include "tokens.h"

/* For the access token and the second one. `looking` is for whoever set it under the live part's lock, and so are the files'
 * marks. */
struct plq__following {
  struct {
    const char *path; /* borrowed from the client's options; NULL: no file */
    struct plq__file_mark mark;
  } files[2];
  _Atomic int64_t looked_ns;
  bool looking;
  bool over; /* code gave tokens, and files do not count any more */
};

struct plq__live;

/* A token is given as itself or as a file. The stronger source wins, and the other is taken out; two of one source contradict. */
int32_t plq__token_files_choose(plq_options *options, plq_error **out_error);
/* The tokens of the options, read from files where these are given. A file that holds none is a failure. */
int32_t plq__token_files_read(const plq_options *options, struct plq__following *out_following, struct plq__tokens **out_tokens,
                              plq_error **out_error);
/* Looks at the files, if that was not done for a second, and takes over what changed. */
void plq__token_files_follow(struct plq__live *live);

#endif
