"""The command that checks manifests before anything is applied: what a pipeline runs."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from credential_operator import errors, view
from credential_operator.api import credential
from credential_operator.cli import asking, files, judgements, making, options, screen, trial
from credential_operator.cli.documents import API_VERSION
from credential_operator.cli.files import Manifest
from credential_operator.cli.judgements import Judgement, Subject
from credential_operator.cli.kubectl import PASSING, Kubectl
from credential_operator.cli.problems import Exit, Problem

Json = dict[str, Any]
Place = tuple[str, str]
"""Namespace and name."""

MISSING = frozenset({"NotFound"})
UNANSWERED = PASSING | {"NotInstalled", "NoCluster", "NoContext", "Unauthorized", ""}
"""What is said by no API server, or of none: it is no judgement about a manifest."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How far the command line wants to go."""

    offline: bool
    no_secret: bool
    from_cluster: bool
    server: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """A Credential of which only the provider can say more."""

    subject: Subject
    seen: view.View
    keys: Any = dataclasses.field(repr=False)


@options.command(
    "check",
    "kubectl credential check -f backups.yaml",
    "kubectl credential check -f deploy/ --offline",
    "kustomize build . | kubectl credential check -f - --no-secret --server -o json",
)
@click.option(
    "--filename",
    "-f",
    "paths",
    multiple=True,
    required=True,
    metavar="FILE",
    help="A file of manifests, a folder of them, or - for standard input; repeatable.",
)
@click.option("--offline", is_flag=True, help="Do not ask the providers.")
@click.option("--no-secret", is_flag=True, help="Check the specs alone: the Secrets come from elsewhere.")
@click.option(
    "--from-cluster",
    is_flag=True,
    help="Read a Secret that is not in the files from the cluster, as you may.",
)
@click.option(
    "--server", is_flag=True, help="Have the API server check each Credential too; nothing is written."
)
@click.option(
    "--allow-endpoint",
    "allow",
    multiple=True,
    metavar="HOST[:PORT]",
    help="An endpoint that is refused otherwise, as endpointPolicy.allow in the chart; repeatable.",
)
@click.option("--ca-bundle", metavar="FILE", help="Authorities (PEM) to trust beside the public ones.")
@options.output("table", "json")
def check(
    paths: Sequence[str],
    kubectl: Kubectl,
    allow: Sequence[str],
    ca_bundle: str | None,
    output: str,
    **asked: bool,
) -> int:
    """Check the manifests of Credentials, with the Secrets beside them, before they are applied.

    Each spec is read as the operator reads it, the key material of its Secret is looked at, its targets are laid
    out, and the provider is asked once whether the key works. Nothing is written, in the cluster or at the provider.
    Rules that only the API server enforces are checked with --server.

    Exit status: 0 all are valid; 3 one is not; 5 nobody could say of one.
    """
    manifests = files.manifests(paths)
    tried = Trials(kubectl, manifests, Asked(**asked))
    said = [tried.judge(one) for one in credentials(paths, manifests)]
    with asking.session(allow=allow, ca_bundle=ca_bundle) as through:
        questions = [one for one in said if isinstance(one, Question)]
        answers = iter(asking.ask([(one.seen, one.keys) for one in questions], through))
        every = [_answered(one, next(answers)) if isinstance(one, Question) else one for one in said]
    _show(every, output)
    return judgements.status(every)


def credentials(paths: Sequence[str], manifests: Sequence[Manifest]) -> list[Manifest]:
    """Gives the Credentials among manifests; raises Problem where there are none."""
    found = [one for one in manifests if (one.kind, one.api_version) == ("Credential", API_VERSION)]
    if not found:
        raise Problem(f"There is no Credential ({API_VERSION}) in {', '.join(paths)}.", Exit.USAGE)
    return found


def _answered(one: Question, answer: asking.Answer) -> Judgement:
    if isinstance(answer, errors.CredentialError):
        return judgements.refused(one.subject, answer)
    return judgements.answered(one.subject, one.seen.spec, answer)


def _show(every: Sequence[Judgement], output: str) -> None:
    if output == "json":
        screen.document({"items": [one.document() for one in every]}, output)
    else:
        screen.show(judgements.table(every))


class Trials:
    """Tries Credentials, with the Secrets of the same manifests."""

    def __init__(self, kubectl: Kubectl, manifests: Sequence[Manifest], asked: Asked) -> None:
        self._kubectl = kubectl
        self._asked = asked
        self._known = trial.catalogue()
        self._secrets = {self._place(one): one.document for one in manifests if one.kind == "Secret"}

    def judge(self, manifest: Manifest) -> Judgement | Question:
        """Says what is wrong with a Credential, or what is still to be asked; raises Problem without an answer."""
        namespace, name = self._place(manifest)
        subject = Subject(file=manifest.file, namespace=namespace, name=name)
        try:
            seen = trial.read(manifest.document, namespace, self._known)
            subject = dataclasses.replace(subject, type=seen.type)
            if self._asked.server and (refusal := self._refusal(subject, manifest.document)):
                return refusal
            keys = self._keys(seen)
            trial.publish(seen, keys, self._known)
        except errors.CredentialError as error:
            return judgements.refused(subject, error)
        why = self._unasked(seen, keys)
        return judgements.unasked(subject, why) if why else Question(subject, seen, keys)

    def _place(self, manifest: Manifest) -> Place:
        metadata = manifest.metadata
        return str(metadata.get("namespace") or self._kubectl.namespace or ""), str(metadata.get("name", ""))

    def _keys(self, seen: view.View) -> Any:
        """Gives the key material; None where none is stored, or is to be looked at."""
        reference = seen.spec.secret_ref
        if reference is None or self._asked.no_secret:
            return None
        return trial.load(seen, reference, self._data(seen, reference), self._known)

    def _data(self, seen: view.View, reference: credential.SecretRef) -> Mapping[str, bytes]:
        place = (seen.key.namespace, reference.name)
        if place in self._secrets:
            return trial.data(self._secrets[place])
        if not self._asked.from_cluster:
            raise errors.SourceNotFound(
                f"Secret {reference.name} is not in the files: add it with -f, read it with --from-cluster, or check "
                "the spec alone with --no-secret."
            )
        try:
            return trial.data(self._kubectl_of(place[0]).get("secret", reference.name))
        except Problem as problem:
            if problem.reason not in MISSING:
                raise
        raise errors.SourceNotFound(f"Secret {reference.name} is neither in the files nor in the cluster.")

    def _unasked(self, seen: view.View, keys: Any) -> str:
        """Says why the provider is not asked; nothing where it is."""
        if self._asked.offline:
            return "As far as can be told without its provider (--offline)."
        if seen.spec.secret_ref is None:
            return "No key is stored: the operator asks with a token of the ServiceAccount."
        if keys is None:
            return "The spec alone was checked (--no-secret)."
        if seen.spec.suspend or seen.spec.validation.policy == "Disabled":
            return "The spec has nobody asked (suspend, or validation.policy Disabled)."
        if trial.needs_installation(seen, keys):
            return (
                f"The external ID of {seen.type}.assumeRole is derived by the operator: its status shows it. With "
                "assumeRole.externalID the role can be assumed from here."
            )
        return ""

    def _refusal(self, subject: Subject, document: Json) -> Judgement | None:
        """Has the API server check a Credential; gives what it says against it."""
        # Applied, and not created: it may be there already.
        words = (
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "--field-manager=kubectl-credential",
        )
        try:
            self._kubectl_of(subject.namespace).call(
                *words, "--filename=-", "--output=name", making.BOUNDED, stdin=json.dumps(document)
            )
        except Problem as problem:
            if problem.reason in UNANSWERED:
                raise
            return Judgement(subject, judgements.Outcome.INVALID, problem.reason, problem.message)
        return None

    def _kubectl_of(self, namespace: str) -> Kubectl:
        return self._kubectl.inside(namespace) if namespace else self._kubectl
