"""The command that looks whether a cluster, the operator in it and the user's rights are such that all can work."""

import functools
import importlib.metadata
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from credential_operator.cli import documents, health, options, screen, store, versions
from credential_operator.cli.documents import API_VERSION, CREDENTIALS, FORCE_DELETE, GROUP, Credential
from credential_operator.cli.health import Finding, Need, State
from credential_operator.cli.kubectl import HIDDEN, Kubectl
from credential_operator.cli.problems import Problem

Json = dict[str, Any]

OPENAPI = f"/openapi/v3/apis/{API_VERSION}"
LEASE = "credential-operator"
"""The name of the operator's Lease."""
NAME = "kubectl-credential-doctor"
"""The name of what is made in rehearsals, and never there."""
FINALIZER = f"{GROUP}/in-use-protection"
POLICY = "AdmissionPolicy"
"""How the API server names a policy that has refused."""
ADMISSION = "admissionregistration.k8s.io"
KINDS = ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")


@options.command(
    "doctor",
    "kubectl credential doctor",
    "kubectl credential doctor -n team-a -o json",
)
@options.output("table", "json")
def doctor(kubectl: Kubectl, output: str) -> int:
    """Look whether the cluster, the operator in it and your rights are such that all can work, and say what to do.

    The API server and its clock, the definitions of both kinds beside the plugin's, the operator, who leads, your
    rights in the namespace, the policies and whether they refuse what they should (by dry runs: nothing is written),
    the Credentials that you see. Few rights are enough: what they do not show is said to be hidden.

    Exit status: 1 something is wrong.
    """
    found = [*Examination(kubectl).findings()]
    if output == "json":
        screen.document(health.document(found), output)
    else:
        screen.show(health.table(found))
    return health.status(found)


class Examination:
    """Looks at one thing after the other, with the rights of the user."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl.inside(kubectl.own_namespace())
        self._namespace = str(self._kubectl.namespace)
        self._now = store.now()
        self._who = "You"

    def findings(self) -> Iterator[Finding]:
        """Gives what was found out; where the API server does not answer, nothing else."""
        try:
            yield from self._server()
        except Problem as problem:
            yield Finding("API server", State.ERROR, problem.message)
            return
        for name, look in self._looks().items():
            try:
                yield from look()
            except Problem as problem:
                yield _not_seen(name, problem)

    def _looks(self) -> dict[str, Callable[[], Iterable[Finding]]]:
        """Gives the looks, and what each is about."""
        return {
            "Definitions": self._definitions,
            "Operator": self._operator,
            "Your rights": self._rights,
            **{kind: functools.partial(self._policies, kind) for kind in KINDS},
            "Policies at work": self._rehearsal,
            "Deletion": self._deletion,
            "Credentials": self._credentials,
        }

    def _server(self) -> Iterator[Finding]:
        found = json.loads(self._kubectl.call("version", "--output=json"))
        yield health.server(str(found["serverVersion"]["gitVersion"]))
        before = store.now()
        review = json.loads(self._kubectl.call("auth", "whoami", "--output=json"))
        after = store.now()
        self._who = review["status"]["userInfo"]["username"]
        theirs = documents.moment(review["metadata"]["creationTimestamp"])
        if theirs is not None:
            self._now = theirs
            yield health.clock(theirs, before, after)

    def _definitions(self) -> Iterator[Finding]:
        from credential_operator import generate

        served = self._schemas()
        for definition in generate.crds():
            kind = definition["spec"]["names"]["kind"]
            (version,) = definition["spec"]["versions"]
            own = {
                part: version["schema"]["openAPIV3Schema"]["properties"][part] for part in ("spec", "status")
            }
            known = served.get(kind, {}).get("properties", {})
            there = {part: known.get(part, {}) for part in own}
            yield health.definition(kind, *({*health.paths({"properties": each})} for each in (own, there)))

    def _schemas(self) -> dict[str, Json]:
        """Gives the schemas that the cluster serves, by kind; raises Problem where there are none."""
        try:
            found = json.loads(self._kubectl.call("get", "--raw", OPENAPI))
        except Problem as problem:
            if problem.reason == "NotFound":
                raise Problem("The cluster serves neither kind: helm upgrade --install the chart.") from None
            raise
        schemas = found["components"]["schemas"].values()
        return {
            mark["kind"]: each for each in schemas for mark in each.get("x-kubernetes-group-version-kind", ())
        }

    def _operator(self) -> Iterator[Finding]:
        words = ("deployments.apps", "--all-namespaces", f"--selector={versions.OPERATOR}")
        found = self._kubectl.get(*words)["items"]
        yield from health.deployments(found, importlib.metadata.version("credential-operator"))
        for namespace in sorted({one["metadata"]["namespace"] for one in found}):
            where = f"Lease {namespace}/{LEASE}"
            try:
                lease = self._kubectl.inside(namespace).get("leases.coordination.k8s.io", LEASE)
            except Problem as problem:
                yield _not_seen("Leader", problem)
            else:
                yield health.lease(where, lease, self._now)

    def _rights(self) -> Iterator[Finding]:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": self._namespace},
        }
        status = self._created(review)["status"]
        rules = status["resourceRules"]
        needs = {need for _, each in health.COMMANDS.values() for need in each}
        may = {need for need in needs if health.granted(rules, need)}
        if status.get("incomplete"):
            may |= {need for need in needs - may if self._may(need)}
        yield health.rights(self._who, self._namespace, may)

    def _may(self, need: Need) -> bool:
        """Asks about one right, where the list of them is not whole."""
        attributes = {"namespace": self._namespace, **need._asdict()}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        return bool(self._created(review)["status"]["allowed"])

    def _created(self, document: Json, *how: str) -> Json:
        # kubectl's own validation wants to list definitions, which few may.
        words = ("create", "--filename=-", "--output=json", "--validate=false", *how)
        return dict(json.loads(self._kubectl.call(*words, stdin=json.dumps(document))))

    def _policies(self, kind: str) -> Iterator[Finding]:
        """Looks at the chart's policies of a kind, and at their bindings."""
        try:
            found, bindings = (
                self._kubectl.get(f"{resource}.{ADMISSION}", f"--selector={versions.OPERATOR}")["items"]
                for resource in (_plural(kind), f"{kind.lower()}bindings")
            )
        except Problem as problem:
            if problem.reason != "NotInstalled":
                raise
            yield Finding(kind, State.OK, "This API server serves none, and the operator does without.")
        else:
            yield health.policies(kind, found, bindings)

    def _rehearsal(self) -> Iterator[Finding]:
        """Has the API server say what it would make of a Credential, and of one that it has to refuse."""
        check = "Policies at work"
        made = self._created(_credential({}), "--dry-run=server")
        if FINALIZER in made["metadata"].get("finalizers", ()):
            yield Finding(check, State.OK, "A new Credential gets its finalizer from the API server.")
        else:
            message = "A new Credential gets its finalizer from the operator, with a write of its own."
            yield Finding(
                check, State.WARNING, f"{message} From 1.36 on, the chart's policies.finalizer does it."
            )
        refused = _refusal(lambda: self._created(_credential({FORCE_DELETE: "doctor"}), "--dry-run=server"))
        if refused:
            yield Finding(check, State.OK, "What only an admin may do is refused to a new Credential.")
        else:
            message = "Nobody is kept from force-deletion: set policies.forceDelete in the chart."
            yield Finding(check, State.WARNING, message)

    def _deletion(self) -> Iterator[Finding]:
        """Rehearses a deletion that has to be refused."""
        used = next((one for one in store.credentials(self._kubectl) if _is_kept(one)), None)
        if used is None:
            message = f"Not tried: nobody has declared to need a Credential of namespace {self._namespace}."
            yield Finding("Deletion", State.OK, message)
            return
        words = ("delete", CREDENTIALS, used.name, "--dry-run=server", "--output=name")
        if _refusal(lambda: self._kubectl.call(*words)):
            yield Finding("Deletion", State.OK, f"{used.name}, which is needed, cannot be deleted.")
        else:
            message = f"{used.name} is needed and can be deleted: set policies.deleteProtection in the chart."
            yield Finding("Deletion", State.ERROR, message)

    def _credentials(self) -> Iterator[Finding]:
        try:
            where, found = "in all namespaces", store.credentials(self._kubectl, everywhere=True)
        except Problem as problem:
            if problem.reason != "Forbidden":
                raise
            where, found = f"in namespace {self._namespace}", store.credentials(self._kubectl)
        yield from health.credentials(where, found, self._now)


def _not_seen(check: str, problem: Problem) -> Finding:
    """Makes a finding of what could not be read."""
    if problem.reason == "Forbidden" and POLICY not in problem.message:
        return health.hidden(check)
    state = State.WARNING if problem.reason in HIDDEN else State.ERROR
    return Finding(check, state, problem.message)


def _plural(kind: str) -> str:
    return f"{kind.lower().removesuffix('y')}ies"


def _credential(annotations: dict[str, str]) -> Json:
    """Gives a Credential of no key, for a rehearsal."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Credential",
        "metadata": {"name": NAME, "annotations": annotations},
        "spec": {"opaque": {}, "secretRef": {"name": NAME}},
    }


def _refusal(attempt: Callable[[], object]) -> str:
    """Gives what a policy says against an attempt, nothing where it has gone well; raises any other Problem."""
    try:
        attempt()
    except Problem as problem:
        if POLICY not in problem.message:
            raise
        return problem.message
    return ""


def _is_kept(one: Credential) -> bool:
    """Tells whether its deletion has to be refused."""
    declared = (one.status.get("references") or {}).get("declared", 0)
    refuses = one.spec.get("whenReferenced", "Refuse") == "Refuse"
    return declared > 0 and refuses and "deletionTimestamp" not in one.document["metadata"]
