/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What the library says of itself, as tables of text: which operations, options, transports, events and statuses there are. New
 * tables and new columns, at the end, add no symbol: look columns up by their names.
 *
 * table               a row for each                columns
 * tables              table                         name, doc
 * operations          operation                     name, method, path, repeatable, success, doc
 * operation_fields    field of an operation         operation, name, in, target, rule, choices, doc
 * operation_results   result of an operation        operation, name, type, life_ms, doc
 * options             option                        name, type, default, min, max, choices, variable, code_only, address,
 * transport, doc, value, source, place transports          transport that is installed   name, path, version, stack, class, id,
 * vendor, license, capabilities, failure transport_options   option of one of these        transport, name, type, default, min,
 * max, choices, own, doc capabilities        capability                    name, bit events              event name, doc
 * event_fields        field of an event             event, name, type, doc
 * statuses            status                        number, name, kind, phase, text
 * stats               number of plq_client_stats()  index, name
 *
 * Bools are "true" or "false", lists have commas, and what there is not is "". In `options`, value is the effective one ("[set]"
 * for a secret), source is default, file, environment or code, and place the variable or the file. One thread at a time per
 * table. Since 1.0.
 */
#ifndef PLASTIQ_TABLE_H
#define PLASTIQ_TABLE_H

#include <plastiq/base.h>
#include <plastiq/error.h>
#include <plastiq/options.h>

PLQ_BEGIN_DECLS

/**
 * Makes a table.
 * @param name       its name
 * @param options    [borrowed] the options that `options` shows, or by which `transports` and `transport_options` are found; may
 * be those of plq_client_options(). NULL: as plq_options_new() with 0 makes them
 * @param out_table  receives the table [owned]
 * @return #PLQ_OK; #PLQ_E_NOT_FOUND: there is no such table, and the error names the nearest one; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY;
 * for the tables of transports a status as from plq_transports_new(). Any thread. Blocks for local files only.
 */
PLQ_API int32_t plq_table_new(const char *name, size_t name_len, const plq_options *options, plq_table **out_table,
                              plq_error **out_error);

/** @return how many rows there are; 0 for NULL */
PLQ_API uint32_t plq_table_rows(const plq_table *table);

/** @return how many columns there are; 0 for NULL */
PLQ_API uint32_t plq_table_columns(const plq_table *table);

/** @return the name of a column, from 0, or "" [borrowed from the table] */
PLQ_API const char *plq_table_column(const plq_table *table, uint32_t column, size_t *out_len);

/** @return one text, row and column from 0, or "" [borrowed from the table] */
PLQ_API const char *plq_table_text(const plq_table *table, uint32_t row, uint32_t column, size_t *out_len);

/** Frees a table. @param table [owned] NULL does nothing */
PLQ_API void plq_table_free(plq_table *table);

PLQ_END_DECLS

#endif
