/* SPDX-License-Identifier: MIT */
#ifndef PLQ_PIPELINE_WARM_H
#define PLQ_PIPELINE_WARM_H

#include "client.h"

/* Opens connections ahead of use. out_open receives how many are open, also on failure. */
int32_t plq__warm(struct plq__live *live, uint32_t count, int64_t timeout_ms, uint32_t *out_open, plq_error **out_error);
/* The same on any lane. For a queue's the caller is inside of it, and has readied the run. */
int32_t plq__warm_lane(struct plq__lane *lane, struct plq__run *run, uint32_t count, int64_t timeout_ms, uint32_t *out_open,
                       plq_error **out_error);

#endif
