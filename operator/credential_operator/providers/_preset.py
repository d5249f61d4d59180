"""Presets: calls of known providers that prove a key, as data (presets.yaml).

    one call with the key -> the first answer of the preset that fits -> what it means

Unlike a probe's, these answers are known: a status alone proves nothing, and one call is enough.
"""

import datetime
import importlib.resources
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
import yaml

from credential_operator import errors
from credential_operator.providers import _json, contract, network

Pointer = Annotated[str, pydantic.Field(pattern=r"^(/[^/~]+)+$")]
"""A JSON pointer (RFC 6901) without escapes."""


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Answer(_Part):
    """An answer that is known, and what it means: see the head of presets.yaml."""

    status: int
    pointer: Pointer | None = None
    header: str | None = None
    values: tuple[bool | int | str, ...] = ()
    means: Literal["Accepted", "Rejected", "Expired", "KeyDisabled", "PermissionDenied", "RateLimited"]

    def fits(self, response: network.Response, document: Mapping[str, Any]) -> bool:
        """Tells whether a response is this answer."""
        found = self._found(response, document)
        known = any(type(value) is type(found) and value == found for value in self.values)
        return response.status == self.status and (known if self.values else found is not None)

    def shown(self, response: network.Response, document: Mapping[str, Any]) -> str:
        """Gives the code that decided, which is one of the preset's own; else the status."""
        found = self._found(response, document)
        return str(found) if self.pointer and self.values else f"HTTP status {self.status}"

    def _found(self, response: network.Response, document: Mapping[str, Any]) -> Any:
        return response.headers.get(self.header) if self.header else _at(document, self.pointer or "")


class Preset(_Part):
    """A provider, and the call that proves a key of it: see the head of presets.yaml."""

    title: str
    documentation: str
    endpoint: str | None = None
    path: str
    method: Literal["GET", "POST"] = "GET"
    header: str = "Authorization"
    prefix: str = ""
    headers: Mapping[str, str] = {}
    right: str = ""
    expires: Pointer | None = None
    answers: tuple[Answer, ...]

    def url(self, endpoint: str | None) -> str:
        """Gives what is called, at another address than the provider's where one is given."""
        return f"{(endpoint or self.endpoint or '').rstrip('/')}{self.path}"


def _load() -> Mapping[str, Preset]:
    text = importlib.resources.files(__package__).joinpath("presets.yaml").read_text(encoding="utf-8")
    return pydantic.TypeAdapter(dict[str, Preset]).validate_python(yaml.safe_load(text))


PRESETS = _load()
HOMELESS = sorted(name for name, preset in PRESETS.items() if preset.endpoint is None)
"""Presets of servers that everybody runs for themselves: they need an endpoint."""


def _known(name: str) -> str:
    if name not in PRESETS:
        raise ValueError(f"must be one of {', '.join(PRESETS)}")
    return name


Name = Annotated[
    str,
    pydantic.AfterValidator(_known),
    pydantic.WithJsonSchema({"type": "string", "enum": [*PRESETS]}),
]


def describe() -> str:
    """Names every preset in a line."""
    return "\n".join(f"* {name}: {preset.title}" for name, preset in PRESETS.items())


def ask(
    preset: Preset, key: str, context: contract.Context, *, endpoint: str | None, ca_bundle: str | None
) -> contract.Validation:
    """Makes the call; raises a CredentialError where its answer does not prove the key."""
    url = preset.url(endpoint)
    response = context.session.request(
        preset.method,
        url,
        headers={
            "Accept": "application/json",
            **preset.headers,
            preset.header: f"{preset.prefix}{key}",
        },
        timeout=context.timeout,
        ca_bundle=ca_bundle,
    )
    document = _json.read(response)
    answer = next((each for each in preset.answers if each.fits(response, document)), None)
    where = str(network.parse(url))
    if answer is None:
        raise response.throttled(where) if response.too_many else response.unusable(where)
    if answer.means != "Accepted":
        code = answer.shown(response, document)
        raise _refusal(preset, answer.means, f"{where} ", f" ({code})", response.retry_after())
    return contract.Validation(expires_at=_end(_at(document, preset.expires or "")))


def _refusal(preset: Preset, means: str, where: str, code: str, wait: float | None) -> errors.CredentialError:
    match means:
        case "Expired":
            return errors.Expired(f"{where}says that the key's life is over{code}: write a new one.")
        case "KeyDisabled":
            return errors.KeyDisabled(
                f"{where}says that the key is switched off{code}: switch it on, or write another."
            )
        case "PermissionDenied":
            return errors.PermissionDenied(
                f"{where}knows the key and does not let it do this{code}: give it {preset.right}."
            )
        case "RateLimited":
            return errors.RateLimited(f"{where}asks for fewer calls{code}.", retry_after=wait)
    return errors.Rejected(f"{where}refused the key{code}.")


def _at(document: Any, pointer: str) -> Any:
    """Gives what stands at a JSON pointer; None where nothing does."""
    for step in pointer.split("/")[1:]:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document if pointer else None


def _end(text: Any) -> datetime.datetime | None:
    """Reads the end of a key's life: a time, or a day that begins where the provider's clock says so, in UTC."""
    try:
        end = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return end if end.tzinfo else end.replace(tzinfo=datetime.UTC)
