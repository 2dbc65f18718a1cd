# SPDX-License-Identifier: MIT
__all__ = ["base_controller", "client_secrets_controller"]
