"""Passwords of container registries (kubernetes.io, "Pull an Image from a Private Registry"; Docker's config.json)."""

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import orjson

from credential_operator import errors
from credential_operator.formats import _file, _json, _text, contract

KEY = ".dockerconfigjson"
NEEDED = frozenset({"username", "password", "host"})
HUB = "https://index.docker.io/v1/"
"""How Docker and the kubelet call docker.io."""
HUBS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
TOKENS = ("identitytoken", "registrytoken")


class Format:
    """One registry, whose entry says the password twice: Docker reads `auth`, others the rest."""

    name: ClassVar[str] = "docker-registry"
    title: ClassVar[str] = (
        "A registry's entry in a `kubernetes.io/dockerconfigjson` Secret: for imagePullSecrets, Flux, "
        "Kaniko, BuildKit."
    )
    source_title: ClassVar[str] = (
        "The entry of the type's host in a `kubernetes.io/dockerconfigjson` Secret, as "
        "`kubectl create secret docker-registry` makes it."
    )
    secret_type: ClassVar[str] = "kubernetes.io/dockerconfigjson"  # noqa: S105  a type
    options = contract.Options
    source_options = _file.Options

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is a registry, and who signs in to it."""
        return NEEDED.issubset(fields)

    def render(self, material: contract.Material, _: contract.Options) -> Mapping[str, bytes]:
        """Gives the entry."""
        host, user, password = (
            _text.line(name, material.fields[name]) for name in ("host", "username", "password")
        )
        if ":" in user:
            raise errors.InvalidKeyMaterial("username holds a colon, which would end it in this format.")
        entry = {
            "username": user,
            "password": password,
            "auth": base64.b64encode(f"{user}:{password}".encode()).decode(),
        }
        return {KEY: orjson.dumps({"auths": {HUB if _host(host) in HUBS else host: entry}})}

    def choices(self, data: Mapping[str, bytes]) -> list[Mapping[str, str]]:
        """Gives the hosts that there are entries of."""
        try:
            auths = _json.read(*reversed(_file.text(data, None, [KEY]))).get("auths")
        except errors.InvalidKeyMaterial:
            return []
        hosts = map(_host, auths if isinstance(auths, dict) else ())
        known = {"docker.io" if host in HUBS else host for host in hosts if HOST.fullmatch(host)}
        return [{"host": host} for host in sorted(known)]

    def read(
        self, data: Mapping[str, bytes], options: _file.Options, asked: contract.Asked
    ) -> contract.Found:
        """Reads the entry of the host."""
        where, content = _file.text(data, options.key, [KEY])
        auths = _json.read(content, where).get("auths")
        if not isinstance(auths, dict):
            raise errors.InvalidKeyMaterial(
                f"{where} holds no auths: write what kubectl create secret docker-registry makes."
            )
        host = asked.spec.get("host", "docker.io")
        found = _file.encoded(_account(_entry(auths, host, where), f"{where}: the entry of {host}"))
        names = {name: (name,) for name in ("username", "password")}
        taken = _file.take(found, names, f"the entry of {host} in {where}", asked)
        return _file.need(taken, "username", "password")


def _host(name: str) -> str:
    """Gives the host that an entry's name means, without a scheme and the paths of the protocol's versions."""
    bare = re.sub(r"^https?://", "", name.lower())
    return re.sub(r"/(v[12]/?)?$", "", bare)


def _entry(auths: Mapping[str, Any], host: str, where: str) -> object:
    """Gives the entry of a host, by whatever name."""
    wanted = HUBS if _host(host) in HUBS else {_host(host)}
    found = [entry for name, entry in auths.items() if _host(name) in wanted]
    if not found:
        known = sorted({name for name in map(_host, auths) if HOST.fullmatch(name)})
        raise errors.InvalidKeyMaterial(f"{where} has no entry of {host}; it has {_file.listed(known)}.")
    if any(entry != found[0] for entry in found):
        raise errors.InvalidKeyMaterial(
            f"{where} has several entries of {host}, which differ: leave the right one."
        )
    return found[0]


def _account(entry: object, where: str) -> dict[str, str]:
    """Gives user name and password as Docker takes them: what `auth` says, where there is one."""
    if not isinstance(entry, dict):
        raise errors.InvalidKeyMaterial(f"{where} is not an object: make the file anew.")
    if tokens := [name for name in TOKENS if entry.get(name)]:
        raise errors.InvalidKeyMaterial(
            f"{where} has an {tokens[0]}, which is not supported: write username and password."
        )
    texts = _json.texts(entry)
    said = {name: texts[name] for name in ("username", "password") if texts.get(name)}
    if not entry.get("auth"):
        return said
    user, colon, password = _decoded(entry["auth"]).partition(":")
    if not colon:
        raise errors.InvalidKeyMaterial(
            f"{where} has an auth that is not a user name, a colon and a password in base64: make the file anew."
        )
    coded = {"username": user, "password": password.strip("\0")}
    if any(said[name] != coded[name] for name in said):
        raise errors.InvalidKeyMaterial(
            f"{where} has an auth that differs from username and password, and Docker reads auth: make the file anew."
        )
    return coded


def _decoded(auth: object) -> str:
    """Decodes what `auth` holds; empty where that is not base64 of text."""
    try:
        return base64.b64decode(str(auth), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


FORMAT = Format()
