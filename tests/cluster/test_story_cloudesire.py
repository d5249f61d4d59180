"""The way of Cloudesire's page on customers' own clouds: the fields of its panel, pasted, for AWS and for Azure."""

import json

from cluster.desk import Desk
from emulators.aws import trust
from emulators.azure import AzureEmulator
from providers import entra

AWS = """* Identifier: customer
* Access key: {}
* Secret key: {}
* Resource name: {}
"""
AZURE = """* Identifier: `my-azure-credential`
* Identity: `{}`
* Credential: `{}`
* Endpoint: `https://management.azure.com/subscriptions/{}`
* OAuth endpoint: `https://login.microsoftonline.com/{}/oauth2/token`
"""


def imported(desk: Desk, text: str, **fields: str) -> str:
    """Take over what was pasted, as its user does, and return what was said."""
    given = [word for name, value in fields.items() for word in ("--set", f"{name}={value}")]
    words = ("import", "-f", "-", *given, "--apply")
    refused = desk.run(*words, stdin=text, user="alice")
    assert refused.returncode == 2, refused.stderr
    answer = desk.run(*words, "--yes", stdin=text, user="alice")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr + refused.stdout + refused.stderr


def test_the_role_of_a_customers_account_is_assumed_with_their_key(desk: Desk) -> None:
    space, aws = desk.space, desk.space.aws
    role = aws.create_role("OrganizationAccountAccessRole", trust=trust(space.arn))
    key = space.new_key()

    said = imported(desk, AWS.format(*key, role), region="eu-west-1", endpoint=aws.url)

    found = space.becomes("customer", Ready="True Available", Warning="True ExternalIDNotRequired")
    assert found["status"]["identity"]["principal"] == role
    assert key[1] not in said + json.dumps(found)
    # The page's role trusts the account alone; with the ID that the status shows, nobody else is let in by it.
    external_id = found["status"]["externalID"]
    assert external_id in desk.shown("describe", "customer", user="alice")
    aws.set_trust(role, trust(space.arn, external_id=external_id))
    assert "customer is valid" in desk.shown("validate", "customer", user="alice")
    space.becomes("customer", Ready="True Available", Warning=None)
    assert role in desk.shown("reach", "customer", user="alice")


def test_the_application_of_a_customers_directory_signs_in(desk: Desk) -> None:
    with AzureEmulator() as azure:
        stage = entra.staged(azure)
        secret = stage.good["clientSecret"]
        text = AZURE.format(entra.CLIENT, secret, entra.SUBSCRIPTION, entra.TENANT)
        own = {"authority": azure.url, "endpoint": azure.url, "caBundle": azure.ca_pem.decode()}

        said = imported(desk, text, **own)

        found = desk.space.becomes("my-azure-credential", Ready="True Available")
        assert found["status"]["identity"]["principal"] == entra.CLIENT
        assert found["spec"]["azure"]["subscriptionID"] == entra.SUBSCRIPTION
        assert secret not in said + json.dumps(found)
        desk.space.patch("credential", "my-azure-credential", {"spec": {"discoverReach": True}})
        desk.space.until(
            lambda: desk.json("reach", "my-azure-credential", user="vera")["places"], "it is counted"
        )
        reached = desk.json("reach", "my-azure-credential", user="vera")["places"]
        assert (reached["kind"], reached["items"][0]["id"]) == ("subscriptions", entra.SUBSCRIPTION)
        assert "is deleted" in desk.shown("delete", "my-azure-credential", user="alice")
