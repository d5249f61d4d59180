"""Files in source Secrets: which of the Secret's keys holds one, its text, and the fields among its entries."""

from collections.abc import Mapping, Sequence

from credential_operator import errors
from credential_operator.api import values
from credential_operator.formats import contract

SHOWN = 5
"""How many names a message lists."""


class Options(contract.Options):
    """Where the file is."""

    key: values.SecretKey | None = None
    """The Secret's key that holds the file, where that is neither the usual one nor the only one."""


def text(data: Mapping[str, bytes], key: str | None, usual: Sequence[str]) -> tuple[str, str]:
    """Gives where the file is, in words, and its text; raises InvalidKeyMaterial."""
    found = _key(data, key, usual)
    where = f"Secret key {found}"
    try:
        content = data[found].decode()
    except UnicodeDecodeError:
        content = None
    if content is None:
        raise errors.InvalidKeyMaterial(
            f"{where} is not text in UTF-8: write the file itself, encoded in base64 once."
        )
    if not content.strip():
        raise errors.InvalidKeyMaterial(f"{where} is empty: write the file there.")
    if content.startswith("\ufeff"):
        raise errors.InvalidKeyMaterial(f"{where} begins with a byte order mark: save the file without.")
    return where, content


def _key(data: Mapping[str, bytes], key: str | None, usual: Sequence[str]) -> str:
    """Finds the Secret's key that holds the file: the one that is named, a usual one, or the only one."""
    if key is None:
        known = [name for name in usual if name in data] or list(data)
        if (known[1:] and known[0] not in usual) or not known:
            raise errors.InvalidKeyMaterial(
                f"The Secret has no key {' or '.join(usual)}: write the file there, or name its key in "
                f"spec.secretRef.options.key; it has {listed(data)}."
            )
        return known[0]
    if key not in data:
        raise errors.InvalidKeyMaterial(
            f"The Secret has no key {key}, which spec.secretRef.options.key names; it has {listed(data)}."
        )
    return key


def listed(names: Mapping[str, object] | Sequence[str]) -> str:
    """Lists names in a message, the first of them."""
    return ", ".join([*sorted(names)[:SHOWN], *(["…"] if len(names) > SHOWN else [])]) or "none"


def take(
    entries: Mapping[str, bytes], names: Mapping[str, Sequence[str]], where: str, asked: contract.Asked
) -> contract.Found:
    """Takes every field from the first entry of its names that is there."""
    found = {field: next((name for name in spelt if name in entries), "") for field, spelt in names.items()}
    return contract.Found(
        values={field: entries[name] for field, name in found.items() if name and field in asked.secret},
        facts={
            field: entries[name].decode(errors="replace").strip()
            for field, name in found.items()
            if name and field not in asked.secret and entries[name].strip()
        },
        places={
            field: f"{found[field] or ' or '.join(spelt)} in {where}"
            for field, spelt in names.items()
            if spelt
        },
    )


def need(found: contract.Found, *fields: str) -> contract.Found:
    """Gives back what has these fields; raises InvalidKeyMaterial that names one that is missing."""
    if missing := [field for field in fields if field not in found.values]:
        raise errors.InvalidKeyMaterial(f"{missing[0]} is missing: write it as {found.places[missing[0]]}.")
    return found


def encoded(entries: Mapping[str, str]) -> dict[str, bytes]:
    """Gives entries as they stand in a Secret."""
    return {name: value.encode() for name, value in entries.items()}
