# SPDX-License-Identifier: MIT
__all__ = ["http_call_back", "http_method_enum", "http_request", "http_response"]
