"""Organizations of AWS: the accounts that a key sees.

Source: docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
import pydantic

from credential_operator import errors
from credential_operator.providers import _json, _sigv4, contract

Endpoint = Annotated[
    str,
    pydantic.Field(max_length=512),
    _sigv4.matching_root("https://organizations.us-east-1.amazonaws.com"),
]
TARGET = "AWSOrganizationsV20161128.ListAccounts"
ACCOUNT = re.compile(r"[0-9]{12}")
LONGEST_NAME = 256
PAGES = 1000
PAGE = 20
"""The most accounts that AWS gives at a time."""
REFUSALS: _sigv4.Refusals = {
    **_sigv4.REFUSALS,
    "AccessDeniedException": (
        errors.PermissionDenied,
        "accounts are listed from the organization's management account, with organizations:ListAccounts",
    ),
    "AWSOrganizationsNotInUseException": (errors.PermissionDenied, "its account is in no organization"),
    "UnknownOperationException": (
        errors.Misconfigured,
        "organizationsEndpoint is not AWS's Organizations",
    ),
}


def reach(caller: _sigv4.Caller, url: str) -> contract.Reach:
    """Counts the accounts of the organization."""
    places = sorted(_places(caller, url))
    return contract.Reach(count=len(places), places=tuple(places))


def _places(caller: _sigv4.Caller, url: str) -> Iterator[contract.Place]:
    token: dict[str, str] = {}
    for _ in range(PAGES):
        answer, document = _ask(caller, url, {"MaxResults": PAGE, **token})
        accounts, following = document.get("Accounts"), document.get("NextToken")
        if answer.response.status != OK or not isinstance(accounts, list):
            raise caller.refusal(answer, REFUSALS)
        for account in accounts:
            if not isinstance(account, dict) or not ACCOUNT.fullmatch(str(account.get("Id"))):
                raise caller.refusal(answer, REFUSALS)
            yield contract.Place(id=account["Id"], name=str(account.get("Name") or "")[:LONGEST_NAME])
        if not isinstance(following, str) or not following:
            return
        token = {"NextToken": following}
    raise errors.ProviderUnreachable(f"{answer.where} did not come to the end of the accounts.")


OK = 200


def _ask(caller: _sigv4.Caller, url: str, body: dict[str, Any]) -> tuple[_sigv4.Answer, dict[str, Any]]:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": TARGET}
    response = caller.send("POST", url, headers, orjson.dumps(body).decode())
    document = _json.read(response)
    return _sigv4.in_json(url, response, document), document
