/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Secrets: read one, take it once, ask how much life is left, free it and it is wiped.
 *
 * The bytes lie in the library's own pages: locked into memory where the system allows it, left out of core dumps, and wiped.
 * Life is counted from the moment that the request was sent (the careful side) on a clock that runs while the machine sleeps.
 * One thread at a time per secret; nothing here blocks. Since 1.0.
 */
#ifndef PLASTIQ_SECRET_H
#define PLASTIQ_SECRET_H

#include <plastiq/base.h>
#include <plastiq/status.h>

PLQ_BEGIN_DECLS

/**
 * Shows the secret.
 * @param secret     [borrowed]
 * @param out_bytes  receives the bytes, NUL-terminated [borrowed from the secret until it is taken or freed]
 * @param out_len    receives their number, without the NUL
 * @return #PLQ_OK; #PLQ_E_SECRET_EXPIRED: its life is over, no bytes; #PLQ_E_SECRET_TAKEN; #PLQ_E_ARGUMENT
 */
PLQ_API int32_t plq_secret_read(const plq_secret *secret, const char **out_bytes, size_t *out_len);

/**
 * Copies the secret into the caller's buffer and wipes the library's copy: it can be taken once.
 * @param buffer      receives the bytes and no NUL
 * @param buffer_len  the buffer's size
 * @param out_len     receives the secret's length, also when the buffer is too small
 * @return #PLQ_OK; #PLQ_E_BUFFER_TOO_SMALL: nothing was copied, the secret stays; #PLQ_E_SECRET_EXPIRED; #PLQ_E_SECRET_TAKEN;
 *         #PLQ_E_ARGUMENT
 */
PLQ_API int32_t plq_secret_take(plq_secret *secret, char *buffer, size_t buffer_len, size_t *out_len);

/** @return ms of life left, never negative; 0 for NULL */
PLQ_API int64_t plq_secret_life_ms(const plq_secret *secret);

/** @return when its life ends, in ms on the clock of plq_life_now_ms(); 0 for NULL */
PLQ_API int64_t plq_secret_expires_at_ms(const plq_secret *secret);

/** @return now in ms on a clock that runs while the machine sleeps and is no wall clock (CLOCK_BOOTTIME). Any thread. */
PLQ_API int64_t plq_life_now_ms(void);

/**
 * Takes over a secret that a message reply named by its handle. See message.h.
 * @param id          the handle
 * @param out_secret  receives the secret [owned]
 * @return #PLQ_OK: the handle is gone; #PLQ_E_HANDLE: it was claimed before, or its client is gone; #PLQ_E_ARGUMENT. Any thread.
 */
PLQ_API int32_t plq_secret_claim(plq_secret_id id, plq_secret **out_secret);

/** Wipes and frees a secret. @param secret [owned] NULL does nothing */
PLQ_API void plq_secret_free(plq_secret *secret);

PLQ_END_DECLS

#endif
