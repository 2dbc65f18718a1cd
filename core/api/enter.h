/* SPDX-License-Identifier: MIT */
/* How functions that take a client begin. */
#ifndef PLQ_API_ENTER_H
#define PLQ_API_ENTER_H

#include "../pipeline/client.h"

/* The client with a reference, and its live part; NULL with a status and an error. Not from inside of an observer. */
struct plq__client *plq__enter(plq_client_id id, struct plq__live **out_live, int32_t *out_status, plq_error **out_error);
/* The same for what only reads, from anywhere. */
struct plq__client *plq__enter_to_read(plq_client_id id, struct plq__live **out_live, int32_t *out_status, plq_error **out_error);

#endif
