/* SPDX-License-Identifier: MIT */
/*
 * For a test program that stands in for a function of libc, so that the libraries it loads call the program's: the definition is
 * marked TEST_STANDIN, and the real function is had by TEST_REAL(pointer, "name"). Needs dlfcn.h, and ENABLE_EXPORTS for the
 * program.
 */
#ifndef TEST_STANDIN_H
#define TEST_STANDIN_H

#define TEST_STANDIN __attribute__((visibility("default")))
/* ISO C has no cast from an object pointer to a function pointer; POSIX allows this. */
#define TEST_REAL(pointer, name) (*(void **)&(pointer) = dlsym(RTLD_NEXT, (name)))

#endif
