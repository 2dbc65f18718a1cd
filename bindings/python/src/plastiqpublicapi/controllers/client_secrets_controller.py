# SPDX-License-Identifier: MIT
"""Client secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import plastiq

from ..exceptions.api_exception import APIException
from ..exceptions.error_exception import ErrorException
from ..http.http_method_enum import HttpMethodEnum
from ..http.http_request import HttpRequest
from ..http.http_response import HttpResponse
from ..models.client_secrets_request import ClientSecretsRequest
from ..models.client_secrets_response import ClientSecretsResponse
from .base_controller import BaseController

_REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 500: "Internal Server Error"}


def _body(body: ClientSecretsRequest | Mapping[str, Any] | None) -> dict[str, Any]:
    if body is None:
        return {}
    if isinstance(body, Mapping):
        return dict(body)
    if not isinstance(body, ClientSecretsRequest):
        raise TypeError(f"body must be a ClientSecretsRequest, not {type(body).__name__}")
    return body.to_dictionary()


def _split(members: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields that the library knows, and further members of the body."""
    params: dict[str, Any] = {}
    if members.get("type") is not None:
        params["type"] = members.pop("type")
    payer = members.get("payer")
    if isinstance(payer, Mapping) and set(payer) == {"id"}:
        params["payer.id"] = members.pop("payer")["id"]
    return params, {name: value for name, value in members.items() if value is not None}


class ClientSecretsController(BaseController):
    """Makes client secrets."""

    def create_a_single_use_client_secret(
        self,
        body: ClientSecretsRequest | Mapping[str, Any] | None,
        trace_id: str | None = None,
        user_agent: str | None = None,
        end_user_device_id: str | None = None,
        end_user_ip: str | None = None,
    ) -> ClientSecretsResponse:
        """Creates a single-use client secret, which lives 60 seconds.

        Its text is a plain str, which cannot be wiped. ``plastiq.Client`` gives one that can.

        :param body: what the secret is for
        :param trace_id: a UUID of version 4; without one the library makes one
        :param user_agent: the end user's User-Agent
        :param end_user_device_id: unique id of the end user's browser or device
        :param end_user_ip: the end user's IP address
        :raises ErrorException: the service answered 400, 401, 403 or 500
        :raises APIException: any other failure; ``response_code`` is 0 if the service did not answer
        """
        headers = {
            "Trace-Id": trace_id,
            "User-Agent": user_agent,
            "End-User-Device-Id": end_user_device_id,
            "End-User-Ip": end_user_ip,
        }
        request = HttpRequest(
            HttpMethodEnum.POST,
            self.config.get_base_uri() + "/client-secrets",
            {name: value for name, value in headers.items() if value is not None},
        )
        if self.http_call_back is not None:
            self.http_call_back.on_before_request(request)
        params, extra = _split(_body(body))
        fields = {
            "trace_id": trace_id,
            "user_agent": user_agent,
            "end_user_device_id": end_user_device_id,
            "end_user_ip": end_user_ip,
        }
        params.update({name: value for name, value in fields.items() if value is not None})
        try:
            created = self.config.client().call("client_secrets.create", params, extra=extra or None)
        except plastiq.Error as error:
            raise self._exception(request, error) from error
        with created, created.results["client_secret"].revealed() as data:
            result = ClientSecretsResponse(client_secret=data.decode())
        # The body has the secret in it: a hook is not shown it.
        self._tell(HttpResponse(created.http_status or 200, "OK", {"Trace-Id": created.trace_id or ""}, "", request))
        return result

    def _tell(self, response: HttpResponse) -> None:
        if self.http_call_back is not None:
            self.http_call_back.on_after_response(response)

    def _exception(self, request: HttpRequest, error: plastiq.Error) -> APIException:
        status = error.http_status or 0
        headers = {"Trace-Id": error.trace_id} if error.trace_id else {}
        response = HttpResponse(status, _REASONS.get(status, ""), headers, _text(error) if status else "", request)
        if status:
            self._tell(response)
        # What the service said last counts only if that is why the call failed.
        if isinstance(error, plastiq.HttpError) and status in _REASONS:
            return ErrorException(_REASONS[status], response, error)
        return APIException("HTTP response not OK." if isinstance(error, plastiq.HttpError) else error.message, response, error)


def _text(error: plastiq.Error) -> str:
    """The error object that the service sent, as far as it could be read."""
    errors = [{"details": detail} for detail in error.details]
    return json.dumps({"code": error.code, "message": error.service_message, "errors": errors, "traceId": error.trace_id})
