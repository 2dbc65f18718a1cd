/* SPDX-License-Identifier: MIT */
#include <plastiq/status.h>
#include <plastiq/version.h>

#include "../base/alloc.h"
#include "../base/secure.h"

const char *plq_version(void) { return PLQ_VERSION_TEXT; }

uint32_t plq_abi_version(void) { return (uint32_t)PLQ_ABI_MAJOR << 16 | PLQ_ABI_MINOR; }

int32_t plq_abi_require(uint32_t major, uint32_t minor) { return major == PLQ_ABI_MAJOR && minor <= PLQ_ABI_MINOR ? PLQ_OK : PLQ_E_ABI; }

uint64_t plq_features(void) {
  uint64_t features = plq__secure_has_dontdump() ? PLQ_FEATURE_DONTDUMP : 0;
#ifndef PLQ_NO_DLOPEN
  features |= PLQ_FEATURE_DLOPEN;
#endif
#ifndef PLQ_NO_OBSERVERS
  features |= PLQ_FEATURE_OBSERVERS;
#endif
  return features;
}

void plq_memzero(void *data, size_t len) { plq__wipe(data, len); }
