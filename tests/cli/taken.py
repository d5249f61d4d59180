"""What a file of another system becomes: entries, and what is proposed for them; key material is in neither's words."""

import json
from typing import Any

from credential_operator.cli import importing, proposals
from credential_operator.cli.importers.contract import Entry
from credential_operator.cli.proposals import Proposal

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "Kanarie7bPxRfiCYEXAMPLEKEYwJalrXUtnFEMIK"
TENANT, CLIENT = "96fabb56-8782-4f37-b6f2-ae41118a6b43", "f752ce48-618a-44f8-b5ef-47b5ab9b25b2"
SUBSCRIPTION = "d7759627-d2df-4caa-8f02-6fa88b694b4f"
ROLE = "arn:aws:iam::012345678901:role/OrganizationAccountAccessRole"
OCID = f"ocid1.{{}}.oc1..{'a' * 60}".format


Json = dict[str, Any]


def entries(content: object, system: str | None = None) -> list[Entry]:
    """Return what a file holds."""
    text = content if isinstance(content, str) else json.dumps(content)
    found = importing.entries("FILE", text, system)
    assert SECRET not in repr(found)
    return found


def proposed(content: object, **given: str) -> list[Proposal]:
    """Return what is made of a file."""
    found = proposals.proposals(entries(content), namespace=None, with_secret=True, given=given)
    assert not any(SECRET in sentence for one in found for sentence in one.said)
    return found


def spec(one: Proposal) -> Json:
    """Return the spec that is proposed."""
    assert one.new is not None, one.said
    return dict(one.new.credential["spec"])


def said(one: Proposal) -> str:
    """Return all that is said of it."""
    return " ".join(one.said)
