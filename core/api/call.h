/* SPDX-License-Identifier: MIT */
#ifndef PLQ_API_CALL_H
#define PLQ_API_CALL_H

#include <plastiq/call.h>

/* The client that a call handle was made for. #PLQ_E_HANDLE: there is no such call. */
int32_t plq__call_client(plq_call_id call, plq_client_id *out_client);

#endif
