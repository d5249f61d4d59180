"""Portworx's cloud credentials: `pxctl credentials list`, as a table or as JSON, and `pxctl credentials create` lines.

The flags: docs.portworx.com, "pxctl credentials create". The names in JSON: github.com/libopenstorage/openstorage,
api/api.go (OptCred…) and api.proto (SdkCredentialInspectResponse).
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from credential_operator.cli.importers.contract import Entry, Shape, plain

Given = dict[str, Any]

IGNORED = frozenset(
    {"uuid", "id", "name", "provider", "type", "encryption", "sslenabled", "owner", "disablepathstyle"}
)
ENCRYPTION = dict.fromkeys(("encrypt", "encryptionkey", "encryptionpassphrase", "enc"), "encryptionKey")
SHAPES: Mapping[str, Shape] = {
    "s3": Shape(
        type="s3",
        public={
            "region": "region",
            "endpoint": "endpoint",
            "bucket": "bucket",
            "storageclass": "storageClass",
            "disablessl": "disableSSL",
            "pathstyle": "forcePathStyle",
        },
        secret={"accesskey": "accessKeyID", "secretkey": "secretAccessKey", **ENCRYPTION},
        ignored=IGNORED,
    ),
    "azure": Shape(
        type="azureStorage",
        public={"accountname": "accountName"},
        secret={"accountkey": "accountKey", **ENCRYPTION},
        ignored=IGNORED,
    ),
    "google": Shape(
        type="google",
        public={"projectid": "projectID"},
        secret={"jsonkey": "serviceAccountJSON"},
        ignored=IGNORED,
    ),
}
"""By provider; the names without the provider's before them."""
MARKS: Mapping[str, str] = {"accountname": "azure", "projectid": "google", "accesskey": "s3", "region": "s3"}
"""Names that tell the provider where nothing else does."""
WITHOUT_KEY = ("useiam", "useworkloadidentity")
NAMED = ("name", "uuid", "id")
AMAZON = re.compile(r"(https://)?s3([.-][a-z0-9-]+)?\.amazonaws\.com(:443)?/?")
KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{16}")
COMMAND = re.compile(
    r"pxctl\s+(?:-\S+(?:\s+[^\s-]\S*)?\s+)*?(?:cloudsnaps?\s+)?cred(?:entials)?\s+c(?:reate)?\s+(.*)"
)
"""The call, with flags of pxctl itself in front or not."""
SWITCHES = frozenset(
    {"disablessl", "disablepathstyle", "useproxy", "color", "help", "json", "raw", "ssl", *WITHOUT_KEY}
)
"""Flags after which no value stands."""
OF_THE_CALL = frozenset({"ca", "cert", "color", "config", "context", "help", "json", "key", "raw", "ssl"})
"""Flags that every command of pxctl takes: how it reaches Portworx and prints, and nothing of the credential."""
CONTINUED = re.compile(r"\\\s*\n|\n(?=[ \t]+--)")
"""A line that goes on in the next one; Portworx's documentation forgets a backslash."""
SECTION = re.compile(r"^(S3|Azure|Google) Credentials\s*$", re.IGNORECASE)


class Importer:
    """Reads what pxctl prints, and what it was called with."""

    name: ClassVar[str] = "portworx"
    title: ClassVar[str] = "pxctl credentials list (--json too), and pxctl credentials create lines"

    def read(self, text: str, documents: Sequence[Any]) -> list[Entry]:
        """Gives what has the names that pxctl uses."""
        listed = [given for document in documents for given in _listed(document)]
        found = listed or [*_commands(text), *_table(text)]
        return [_entry(given, provider) for given in found if (provider := _provider(given))]


def _listed(document: Any) -> Iterator[Given]:
    """Gives the credentials of a document: a list, or an object that has them by their UUIDs."""
    if isinstance(document, list):
        for one in document:
            yield from _listed(one)
    elif isinstance(document, dict):
        given = _flat(document)
        if _provider(given):
            yield given
            return
        for uuid, below in document.items():
            yield from ({"uuid": uuid, **one} if isinstance(below, dict) else one for one in _listed(below))


def _flat(document: Mapping[str, Any]) -> Given:
    """Gives the names in one form; what stands under aws_credential is the credential's own."""
    found: Given = {}
    for name, value in document.items():
        simple = _simple(str(name))
        if isinstance(value, dict) and simple.endswith("credential"):
            provider = simple.removesuffix("credential")
            found |= {"type": "s3" if provider == "aws" else provider, **_flat(value)}
        elif not isinstance(value, dict | list):
            found[simple] = value
    return found


def _simple(name: str) -> str:
    """Writes a name in one way: CredAccessKey, access_key, ACCESS KEY and --s3-access-key are one."""
    bare = re.sub(r"[^a-z0-9]", "", name.lower())
    for prefix in ("credential", "cred", "s3", "azure", "google"):
        if bare != prefix and not bare.endswith("credential"):
            bare = bare.removeprefix(prefix)
    return bare


def _commands(text: str) -> Iterator[Given]:
    """Reads command lines, those that go on in the next line too; the last word is the name."""
    for match in COMMAND.finditer(CONTINUED.sub(" ", text)):
        given: Given = {}
        words = _words(match[1])
        while words:
            word = words.pop(0)
            flag, equals, value = word.partition("=")
            if not word.startswith("-"):
                given["name"] = word
            elif equals:
                given[_simple(flag)] = value
            elif words and word.startswith("--") and _takes(_simple(flag), words[0]):
                given[_simple(flag)] = words.pop(0)
            elif word.startswith("--"):
                given[_simple(flag)] = True
        yield {name: value for name, value in given.items() if name not in OF_THE_CALL}


def _words(text: str) -> list[str]:
    """Takes a line apart as shells do; none where a quotation does not end, for that is a sentence."""
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _takes(flag: str, word: str) -> bool:
    return flag not in SWITCHES and not word.startswith("--")


def _table(text: str) -> Iterator[Given]:
    """Reads the table that is for people: a section for each provider, its columns parted by tabs."""
    provider, columns = "", [""]
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"\t+", line.strip())]
        if section := SECTION.match(line):
            provider, columns = section[1].lower(), [""]
        elif provider and cells[0] == "UUID":
            columns = [_simple(cell) for cell in cells]
        elif provider and len(cells) == len(columns) > 1:
            yield {"type": provider, **dict(zip(columns, cells, strict=True))}


def _provider(given: Given) -> str:
    """Tells the provider; nothing where it is no credential of Portworx."""
    said = str(given.get("provider") or given.get("type") or "").lower()
    if said in SHAPES:
        return said
    return next((provider for mark, provider in MARKS.items() if mark in given), "")


def _entry(given: Given, provider: str) -> Entry:
    name = next((str(given[one]) for one in NAMED if given.get(one)), provider)
    if switch := next((one for one in WITHOUT_KEY if _is_on(given.get(one))), None):
        return Entry(name=name, left=[_keyless(switch, provider)])
    shape = SHAPES[provider]
    left: list[str] = []
    given = {key: value for key, value in given.items() if key not in WITHOUT_KEY}
    if provider == "s3":
        given, left = _bucket(given)
    if _is_on(given.get("encryption")) and "encryptionKey" not in map(ENCRYPTION.get, given):
        left.append("Its backups are encrypted, and pxctl does not show with what: add it as encryptionKey.")
    if file := given.pop("jsonkeyfile", None):
        left.append(f"The key file is not read: add {file} as serviceAccountJSON.")
    return shape.entry(name, given, left=left)


def _is_on(value: Any) -> bool:
    return str(value).lower() == "true"


def _keyless(switch: str, provider: str) -> str:
    if provider == "s3" and switch == "useiam":
        return (
            "It has no key: Portworx uses the role of the node (--use-iam). A node's role is not lent here: `kubectl "
            "credential create s3 NAME` with --workload-identity-service-account-name and --workload-identity-role-arn "
            "has a role of its own assumed."
        )
    return (
        "It has no key: Portworx uses the identity of its node or ServiceAccount. Make one with `kubectl credential "
        f"create {SHAPES[provider].type} NAME`, and a key or, where the type has it, --workload-identity-…."
    )


def _bucket(given: Given) -> tuple[Given, list[str]]:
    """Gives what a bucket's key says in our words, and what is to be said of it."""
    left: list[str] = []
    found = {
        **given,
        "disablessl": _is_on(given.get("disablessl")) or str(given.get("sslenabled")).lower() == "false",
    }
    if not found["disablessl"]:
        del found["disablessl"]
    first, *others = [one.strip() for one in plain(found.pop("endpoint", "")).split(",")]
    if first and not AMAZON.fullmatch(first):
        found |= {"endpoint": first, **({} if _is_on(found.get("disablepathstyle")) else {"pathstyle": True})}
    if others:
        left.append(f"Of several endpoints the first is taken: {', '.join(others)} is left out.")
    key, secret = plain(found.get("accesskey")), plain(found.get("secretkey"))
    if KEY_ID.fullmatch(secret) and not KEY_ID.fullmatch(key):
        # Portworx's own documentation says them the wrong way round.
        found |= {"accesskey": secret, "secretkey": key}
        left.append("Access key and secret key stood in each other's place and were exchanged.")
    return found, left


IMPORTER = Importer()
