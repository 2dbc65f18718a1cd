# SPDX-License-Identifier: MIT
__all__ = ["api_exception", "error_exception"]
