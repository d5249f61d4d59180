"""The changelog's part about a version, which its release notes are made of."""

import re

from delivery.refusals import Refused

HEADING = re.compile(r"^## \[([^\]\n]+)\].*$", re.MULTILINE)
UNRELEASED = "Unreleased"
LINK = re.compile(r"\[(?P<words>[^\]]+)\]\((?!https?://)(?P<path>[^)\s]+)\)")
"""A link to a file of the repository."""


def sections(text: str) -> dict[str, str]:
    """Return what is said of each version, by its name."""
    _, *parts = HEADING.split(text)
    return {name: said.strip() for name, said in zip(parts[::2], parts[1::2], strict=True)}


def notes(text: str, version: str) -> str:
    """Return what is said of a version, or of what is not released yet; raises Refused where that is nothing."""
    found = sections(text)
    said = found.get(version) or found.get(UNRELEASED, "")
    if not re.search(r"^- ", said, re.MULTILINE):
        raise Refused(
            f"CHANGELOG.md says nothing of {version}: write what changes for users under [{UNRELEASED}], or give it "
            f"a section [{version}]"
        )
    # A page of a release has no files beside it.
    return LINK.sub(r"\g<words> (`\g<path>`)", said)
