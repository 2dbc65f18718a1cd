/* SPDX-License-Identifier: MIT */
/* Options from a JSON file: one object, whose members are options. A failure names the file, the line and the column. */
#ifndef PLQ_CODEC_CONFIG_FILE_H
#define PLQ_CODEC_CONFIG_FILE_H

#include "../base/options.h"

/* Puts what the file says into options, whose config_path it becomes. */
int32_t plq__config_file_read(plq_options *options, const char *path, plq_error **out_error);

#endif
