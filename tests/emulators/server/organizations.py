"""Organizations: who may list their accounts, which moto lets everybody do."""

from __future__ import annotations

from moto.organizations.models import organizations_backends

from emulators.server import accounts, answers


def create(names: list[str], account: str) -> list[str]:
    """Makes an organization with accounts of these names, and returns their numbers."""
    backend = organizations_backends[account]["aws"]
    backend.create_organization(region="us-east-1", FeatureSet="ALL")
    return [
        backend.create_account(AccountName=name, Email=f"{number}@example.com")["CreateAccountStatus"][
            "AccountId"
        ]
        for number, name in enumerate(names)
    ]


def require_listed(caller: accounts.Principal) -> None:
    """Raises a Refusal unless the caller's account manages an organization."""
    if organizations_backends[caller.account][caller.partition].org is not None:
        return
    managed = (each[caller.partition] for each in list(organizations_backends.values()))
    if any(member.id == caller.account for backend in managed for member in backend.accounts):
        raise answers.Refusal(
            400, "AccessDeniedException", "You don't have permissions to access this resource."
        )
    raise answers.Refusal(
        400, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization."
    )
