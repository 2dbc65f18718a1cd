# SPDX-License-Identifier: MIT
# A client secret by ctypes alone: the C interface is flat, so no binding is needed to use it.
# ctypes_proof.py [OPTION VALUE]..; the API key is in EXAMPLE_TOKEN, the library's path may be in LIBPLASTIQ.
import ctypes
import os
import sys
from ctypes import byref, c_char_p, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

library = ctypes.CDLL(os.environ.get("LIBPLASTIQ", "libplastiq.so.1"))
NUL = c_size_t(-1)
text, error = c_char_p, c_void_p()
for name in ("plq_status_name", "plq_error_message"):
    getattr(library, name).restype = text
library.plq_secret_life_ms.restype = c_int64


def check(status):
    if status != 0:
        message = library.plq_error_message(error, None).decode()
        sys.exit(f"{library.plq_status_name(status).decode()}: {message}")


check(library.plq_abi_require(1, 0))
options, client, request = c_void_p(), c_uint64(), c_void_p()
response, secret, data, length = c_void_p(), c_void_p(), c_char_p(), c_size_t()
check(library.plq_options_new(c_uint32(0), byref(options), byref(error)))
arguments = ["access_token", os.environ["EXAMPLE_TOKEN"], *sys.argv[1:]]
for key, value in zip(arguments[::2], arguments[1::2]):
    check(library.plq_options_set(options, key.encode(), NUL, value.encode(), NUL, byref(error)))
check(library.plq_client_new(options, byref(client), byref(error)))
check(library.plq_request_new(b"client_secrets.create", NUL, byref(request), byref(error)))
check(library.plq_request_set(request, b"end_user_ip", NUL, b"192.0.2.1", NUL, byref(error)))
check(library.plq_call(client, request, byref(response), byref(error)))
check(library.plq_response_take_secret(response, b"client_secret", NUL, byref(secret)))
check(library.plq_secret_read(secret, byref(data), byref(length)))
print(data.value.decode(), library.plq_secret_life_ms(secret), "ms")  # for the browser, never for a log
library.plq_secret_free(secret)
library.plq_response_free(response)
library.plq_request_free(request)
library.plq_options_free(options)
library.plq_client_free(client)
