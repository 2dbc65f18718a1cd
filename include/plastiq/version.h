/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Versions: of the package, and of the C ABI. They move apart: the ABI's major is the SONAME's number.
 */
#ifndef PLASTIQ_VERSION_H
#define PLASTIQ_VERSION_H

#include <plastiq/base.h>

PLQ_BEGIN_DECLS

#define PLQ_VERSION_MAJOR 0
#define PLQ_VERSION_MINOR 1
#define PLQ_VERSION_PATCH 0
/** The package's version as text. */
#define PLQ_VERSION_TEXT "0.1.0"

/** ABI that this header describes. A library of the same major and the same or a later minor serves it. */
#define PLQ_ABI_MAJOR 1
#define PLQ_ABI_MINOR 0

/** Feature bit: transports can be loaded from files. Absent where the platform has no dlopen. */
#define PLQ_FEATURE_DLOPEN (UINT64_C(1) << 0)
/** Feature bit: the pages of tokens and secrets are kept out of core dumps. */
#define PLQ_FEATURE_DONTDUMP (UINT64_C(1) << 1)
/** Feature bit: observers (observer.h). */
#define PLQ_FEATURE_OBSERVERS (UINT64_C(1) << 2)

/**
 * Tells the version of the library that runs, which may be newer than this header.
 * @return text such as "1.2.3", static. Any thread; does not block. Since 1.0.
 */
PLQ_API const char *plq_version(void);

/**
 * Tells the ABI of the library that runs.
 * @return major << 16 | minor. Any thread; does not block. Since 1.0.
 */
PLQ_API uint32_t plq_abi_version(void);

/**
 * Checks that the library that runs serves callers built for an ABI: the first call of every binding.
 * @param major  what the caller was built for, #PLQ_ABI_MAJOR
 * @param minor  the least minor that has all that the caller uses, at most #PLQ_ABI_MINOR
 * @return #PLQ_OK; #PLQ_E_ABI: the library's major differs or its minor is older. Any thread; does not block. Since 1.0.
 */
PLQ_API int32_t plq_abi_require(uint32_t major, uint32_t minor);

/**
 * Tells what this build can do.
 * @return PLQ_FEATURE_* bits; bits that a reader does not know are to be ignored. Any thread; does not block. Since 1.0.
 */
PLQ_API uint64_t plq_features(void);

/**
 * Overwrites memory with zeros in a way that the compiler may not leave out: for hosts without a wipe of their own.
 * @param data  [borrowed] what to wipe; NULL does nothing
 * @param len   its length in bytes
 * Any thread; does not block. Since 1.0.
 */
PLQ_API void plq_memzero(void *data, size_t len);

PLQ_END_DECLS

#endif
