"""What the plugin decides from what it is told."""

import pytest

from cli import world
from credential_operator.cli import advice, refusals, renewing, times
from credential_operator.cli.documents import Credential
from credential_operator.cli.problems import Exit

SERVER = "Error from server"
PATCHING, LISTING = (
    f'User "vera" cannot {verb} resource "credentials" in API group "credential-operator.io"'
    for verb in ("patch", "list")
)


def ask(*words: str) -> str:
    return "staging\nproduction" if words[:2] == ("config", "get-contexts") else ""


@pytest.mark.parametrize(
    ("said", "reason", "told"),
    [
        (
            f'{SERVER} (Forbidden): credentials "a" is forbidden: {PATCHING} in the namespace "team-a"',
            "Forbidden",
            "vera may not patch credentials in namespace team-a: ask for the role edit there.",
        ),
        (
            f"{SERVER} (Forbidden): credentials is forbidden: {LISTING} at the cluster scope",
            "Forbidden",
            "vera may not list credentials in all namespaces: name one that you work in with --namespace",
        ),
        (
            f"{SERVER} (Forbidden): denied request: in use by CredentialReference nightly",
            "Forbidden",
            "Denied request: in use by CredentialReference nightly.",
        ),
        (f"{SERVER} (AlreadyExists): a is there", "AlreadyExists", "A is there."),
        (
            'error: the server doesn\'t have a resource type "credentials"',
            "NotInstalled",
            "is not installed in it",
        ),
        (
            "Error in configuration: context was not found for specified context: productoin",
            "NoContext",
            "no context productoin (did you mean production?); it has production, staging",
        ),
        (
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
            "NoCluster",
            "No cluster is configured",
        ),
        (
            "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?",
            "Unreachable",
            "does not answer. The connection to the server 10.0.0.1:6443",
        ),
        (
            "Unable to connect to the server: net/http: TLS handshake timeout",
            "Unreachable",
            "does not answer",
        ),
        ("error: You must be logged in to the server (Unauthorized)", "Unauthorized", "log in again"),
        (
            'The Credential "backups" is invalid: spec.targets: Invalid value: no',
            "Invalid",
            'The Credential "backups" is invalid: spec.targets: Invalid value: no.',
        ),
        (
            (
                'Error from server (Forbidden): secrets is forbidden: User "vera" cannot list resource "secrets" '
                'in API group "" in the namespace "team-a"'
            ),
            "Forbidden",
            "vera may not list secrets in namespace team-a: ask for the role edit there.",
        ),
        ("error: something else", "", "Something else."),
        ("", "", "kubectl failed and said nothing."),
    ],
)
def test_what_kubectl_says_becomes_a_sentence_with_what_to_do(said: str, reason: str, told: str) -> None:
    problem = refusals.problem(said, ask)

    assert told in problem.message
    assert (problem.reason, problem.status) == (reason, Exit.REFUSED)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172800, "2d")],
)
def test_lengths_of_time_have_a_useful_unit(seconds: float, shown: str) -> None:
    assert times.length(seconds) == shown


def test_ends_are_told_with_their_date() -> None:
    assert times.dated(world.ahead(hours=3), world.NOW) == "2026-11-22 15:00 UTC (in 3h)"
    assert times.ahead(world.ago(hours=3), world.NOW) == "3h ago"
    assert times.ahead(None, world.NOW) == times.ago(None, world.NOW) == times.dated(None, world.NOW) == ""


def test_where_all_is_well_there_is_nothing_to_do() -> None:
    assert advice.next_steps(Credential(world.ARCHIVE)) == []


def test_every_workload_with_the_previous_key_is_named_with_how_to_restart_it() -> None:
    stale = [
        {"kind": "StatefulSet", "namespace": "team-b", "name": "db"},
        {"kind": "CronJob", "namespace": "team-a", "name": "nightly"},
    ]
    spec = {"jwt": {}, "secretRef": {"name": "k"}}
    one = Credential(world.credential("a", 9, spec, rotation={"stale": stale, "staleCount": 5}))

    assert advice.next_steps(one) == [
        "StatefulSet team-b/db still runs the previous key: kubectl rollout restart statefulset/db -n team-b",
        "CronJob nightly still runs the previous key: start it anew",
        "3 more still run the previous key: restart them as well.",
    ]


@pytest.mark.parametrize(
    ("current", "accepted", "synced", "published"),
    [
        ("A", "A", "True", False),
        ("B", "A", "True", False),
        ("B", "B", "False", False),
        ("B", "B", "True", True),
        (None, "A", "True", False),
    ],
)
def test_a_new_key_is_published_when_it_is_accepted_and_in_the_targets(
    current: str | None, accepted: str, synced: str, *, published: bool
) -> None:
    managed = {} if current is None else {"keyID": current}
    found = Credential(
        world.credential(
            "a",
            9,
            {"aws": {}, "rotation": {"store": "kept"}},
            key={"id": accepted},
            rotation={"managed": managed},
            conditions=[world.condition("Synced", synced, "x")],
        )
    )
    assert renewing.is_published(found, "A") == published
