/* SPDX-License-Identifier: MIT */
/**
 * @file
 * libplastiq: mints single-use client secrets over the Plastiq Public API. Unofficial: not affiliated with Plastiq.
 * This header brings the whole interface for callers; a transport plugin includes transport.h instead.
 */
#ifndef PLASTIQ_PLASTIQ_H
#define PLASTIQ_PLASTIQ_H

#include <plastiq/attempts.h>
#include <plastiq/base.h>
#include <plastiq/call.h>
#include <plastiq/client.h>
#include <plastiq/error.h>
#include <plastiq/message.h>
#include <plastiq/observer.h>
#include <plastiq/operations.h>
#include <plastiq/options.h>
#include <plastiq/queue.h>
#include <plastiq/request.h>
#include <plastiq/response.h>
#include <plastiq/secret.h>
#include <plastiq/status.h>
#include <plastiq/table.h>
#include <plastiq/transports.h>
#include <plastiq/version.h>

#endif
