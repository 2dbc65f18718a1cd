/* SPDX-License-Identifier: MIT */
#ifndef TEST_ISOLATION_HOST_H
#define TEST_ISOLATION_HOST_H

void host_run(void);

#endif
