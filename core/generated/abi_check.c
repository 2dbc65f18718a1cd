/* SPDX-License-Identifier: MIT */
/* Made by tools/generate from core/tables/abi.toml: change that. */

/* Compiles only if the headers declare exactly what the manifest says. */
#include <plastiq/plastiq.h>
#include <plastiq/transport.h>

#define SAME(function, type) _Static_assert(_Generic(&function, type : 1, default : 0), #function " differs from core/tables/abi.toml")

SAME(plq_version, const char * (*)(void));
SAME(plq_abi_version, uint32_t (*)(void));
SAME(plq_abi_require, int32_t (*)(uint32_t, uint32_t));
SAME(plq_features, uint64_t (*)(void));
SAME(plq_memzero, void (*)(void *, size_t));
SAME(plq_status_name, const char * (*)(int32_t));
SAME(plq_status_text, const char * (*)(int32_t));
SAME(plq_status_kind, int32_t (*)(int32_t));
SAME(plq_status_phase, int32_t (*)(int32_t));
SAME(plq_kind_name, const char * (*)(int32_t));
SAME(plq_phase_name, const char * (*)(int32_t));
SAME(plq_delivery_name, const char * (*)(int32_t));
SAME(plq_error_status, int32_t (*)(const plq_error *));
SAME(plq_error_kind, int32_t (*)(const plq_error *));
SAME(plq_error_phase, int32_t (*)(const plq_error *));
SAME(plq_error_delivery, int32_t (*)(const plq_error *));
SAME(plq_error_repeatable, int32_t (*)(const plq_error *));
SAME(plq_error_http_status, int32_t (*)(const plq_error *));
SAME(plq_error_retry_after_ms, int64_t (*)(const plq_error *));
SAME(plq_error_message, const char * (*)(const plq_error *, size_t *));
SAME(plq_error_field, const char * (*)(const plq_error *, size_t *));
SAME(plq_error_service_code, const char * (*)(const plq_error *, size_t *));
SAME(plq_error_service_message, const char * (*)(const plq_error *, size_t *));
SAME(plq_error_detail_count, uint32_t (*)(const plq_error *));
SAME(plq_error_detail, const char * (*)(const plq_error *, uint32_t, size_t *));
SAME(plq_error_trace_id, const char * (*)(const plq_error *, size_t *));
SAME(plq_error_attempts, const plq_attempts * (*)(const plq_error *));
SAME(plq_error_load_count, uint32_t (*)(const plq_error *));
SAME(plq_error_load_text, const char * (*)(const plq_error *, uint32_t, int32_t, size_t *));
SAME(plq_error_json, const char * (*)(plq_error *, size_t *));
SAME(plq_error_free, void (*)(plq_error *));
SAME(plq_attempts_count, uint32_t (*)(const plq_attempts *));
SAME(plq_attempts_number, int32_t (*)(const plq_attempts *, uint32_t, int32_t, int64_t *));
SAME(plq_attempts_text, const char * (*)(const plq_attempts *, uint32_t, int32_t, size_t *));
SAME(plq_options_new, int32_t (*)(uint32_t, plq_options **, plq_error **));
SAME(plq_options_set, int32_t (*)(plq_options *, const char *, size_t, const char *, size_t, plq_error **));
SAME(plq_options_set_number, int32_t (*)(plq_options *, const char *, size_t, int64_t, plq_error **));
SAME(plq_options_get, int32_t (*)(const plq_options *, const char *, size_t, const char **, size_t *, int32_t *));
SAME(plq_options_free, void (*)(plq_options *));
SAME(plq_client_new, int32_t (*)(const plq_options *, plq_client_id *, plq_error **));
SAME(plq_client_set_tokens, int32_t (*)(plq_client_id, const char *, size_t, const char *, size_t, plq_error **));
SAME(plq_client_warm, int32_t (*)(plq_client_id, uint32_t, int64_t, uint32_t *, plq_error **));
SAME(plq_client_options, int32_t (*)(plq_client_id, plq_options **, plq_error **));
SAME(plq_client_transport, int32_t (*)(plq_client_id, plq_transports **, plq_error **));
SAME(plq_client_close, int32_t (*)(plq_client_id, int64_t));
SAME(plq_client_free, void (*)(plq_client_id));
SAME(plq_client_stats, int32_t (*)(plq_client_id, int64_t *, uint32_t));
SAME(plq_client_observe, int32_t (*)(plq_client_id, const char *, size_t, const char *, size_t, plq_observer_fn, void *, uint64_t *, plq_error **));
SAME(plq_client_unobserve, int32_t (*)(plq_client_id, uint64_t));
SAME(plq_table_new, int32_t (*)(const char *, size_t, const plq_options *, plq_table **, plq_error **));
SAME(plq_table_rows, uint32_t (*)(const plq_table *));
SAME(plq_table_columns, uint32_t (*)(const plq_table *));
SAME(plq_table_column, const char * (*)(const plq_table *, uint32_t, size_t *));
SAME(plq_table_text, const char * (*)(const plq_table *, uint32_t, uint32_t, size_t *));
SAME(plq_table_free, void (*)(plq_table *));
SAME(plq_transports_new, int32_t (*)(const plq_options *, plq_transports **, plq_error **));
SAME(plq_transports_count, uint32_t (*)(const plq_transports *));
SAME(plq_transports_text, const char * (*)(const plq_transports *, uint32_t, int32_t, size_t *));
SAME(plq_transports_free, void (*)(plq_transports *));
SAME(plq_request_new, int32_t (*)(const char *, size_t, plq_request **, plq_error **));
SAME(plq_request_set, int32_t (*)(plq_request *, const char *, size_t, const char *, size_t, plq_error **));
SAME(plq_request_add_header, int32_t (*)(plq_request *, const char *, size_t, const char *, size_t, uint32_t, plq_error **));
SAME(plq_request_set_extra, int32_t (*)(plq_request *, const char *, size_t, plq_error **));
SAME(plq_request_set_timeout_ms, int32_t (*)(plq_request *, int64_t, plq_error **));
SAME(plq_request_set_max_repeats, int32_t (*)(plq_request *, uint32_t, plq_error **));
SAME(plq_request_free, void (*)(plq_request *));
SAME(plq_call, int32_t (*)(plq_client_id, const plq_request *, plq_response **, plq_error **));
SAME(plq_call_new, int32_t (*)(plq_client_id, plq_call_id *, plq_error **));
SAME(plq_call_run, int32_t (*)(plq_call_id, const plq_request *, plq_response **, plq_error **));
SAME(plq_call_cancel, int32_t (*)(plq_call_id));
SAME(plq_call_free, void (*)(plq_call_id));
SAME(plq_response_http_status, int32_t (*)(const plq_response *));
SAME(plq_response_trace_id, const char * (*)(const plq_response *, size_t *));
SAME(plq_response_attempts, const plq_attempts * (*)(const plq_response *));
SAME(plq_response_text, int32_t (*)(const plq_response *, const char *, size_t, const char **, size_t *));
SAME(plq_response_take_secret, int32_t (*)(plq_response *, const char *, size_t, plq_secret **));
SAME(plq_response_free, void (*)(plq_response *));
SAME(plq_secret_read, int32_t (*)(const plq_secret *, const char **, size_t *));
SAME(plq_secret_take, int32_t (*)(plq_secret *, char *, size_t, size_t *));
SAME(plq_secret_life_ms, int64_t (*)(const plq_secret *));
SAME(plq_secret_expires_at_ms, int64_t (*)(const plq_secret *));
SAME(plq_life_now_ms, int64_t (*)(void));
SAME(plq_secret_claim, int32_t (*)(plq_secret_id, plq_secret **));
SAME(plq_secret_free, void (*)(plq_secret *));
SAME(plq_call_message, int32_t (*)(plq_client_id, const uint8_t *, size_t, uint8_t **, size_t *));
SAME(plq_call_run_message, int32_t (*)(plq_call_id, const uint8_t *, size_t, uint8_t **, size_t *));
SAME(plq_message_free, void (*)(uint8_t *, size_t));
SAME(plq_transport_register_static, int32_t (*)(plq_transport_entry_fn, plq_error **));
