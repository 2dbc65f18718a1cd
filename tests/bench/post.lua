-- SPDX-License-Identifier: MIT
-- The request of the benchmark for wrk; the driver compares it with those of the other programs, as nginx received them.
wrk.method = "POST"
wrk.body = '{"payer":{"id":"3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f"}}'
wrk.headers["Accept"] = "application/json"
wrk.headers["Accept-Encoding"] = "identity"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Trace-Id"] = "7b0c2a4e-9d1f-4b6a-8c3e-5f7a9b1c3d5e"
wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
wrk.headers["End-User-Ip"] = "192.0.2.1"
wrk.headers["Authorization"] = "Bearer test-key-0000000000000000"
