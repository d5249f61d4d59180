"""The admin calls of versitygw: PATCH requests with XML bodies, signed by root."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import urllib.parse
from collections.abc import Mapping
from xml.sax import saxutils

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_TIMEOUT_SECONDS = 5.0


class AdminError(Exception):
    """versitygw refused an admin call."""


class Admin:
    """Makes users and buckets."""

    def __init__(self, url: str, ca_path: str | None, root_key: tuple[str, str], region: str) -> None:
        self._url = url
        self._ca_path = ca_path
        self._signer = S3SigV4Auth(Credentials(*root_key), "s3", region)

    def create_user(self, key_id: str, secret: str, role: str) -> None:
        """Makes a user with one key."""
        self._patch("/create-user", _document("Account", Access=key_id, Secret=secret, Role=role))

    def set_secret(self, key_id: str, secret: str) -> None:
        """Replaces the secret of a user's key."""
        self._patch(f"/update-user?access={key_id}", _document("MutableProps", Secret=secret))

    def delete_user(self, key_id: str) -> None:
        """Removes a user."""
        self._patch(f"/delete-user?access={key_id}")

    def create_bucket(self, name: str, owner: str) -> None:
        """Makes a bucket for its owner."""
        self._patch(f"/{name}/create", headers={"x-vgw-owner": owner})

    def _patch(self, path: str, body: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        request = AWSRequest("PATCH", f"{self._url}{path}", headers=dict(headers or {}), data=body.encode())
        self._signer.add_auth(request)
        signed = dict(request.headers.items())
        status, answer = ask(self._url, self._ca_path, "PATCH", path, headers=signed, body=body)
        if status >= http.client.BAD_REQUEST:
            raise AdminError(f"{path.partition('?')[0]}: {status} {answer.decode(errors='replace')}")


def ask(
    url: str,
    ca_path: str | None,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: str = "",
) -> tuple[int, bytes]:
    """Makes one request and returns its status and body."""
    address = urllib.parse.urlsplit(url).netloc
    if ca_path:
        context = ssl.create_default_context(cafile=ca_path)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            address, timeout=_TIMEOUT_SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()


def _document(name: str, **fields: str) -> str:
    inner = "".join(f"<{field}>{saxutils.escape(value)}</{field}>" for field, value in fields.items())
    return f"<{name}>{inner}</{name}>"
