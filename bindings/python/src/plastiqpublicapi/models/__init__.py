# SPDX-License-Identifier: MIT
__all__ = ["client_secrets_request", "client_secrets_response", "error_1", "payer_id", "type_7_enum"]
