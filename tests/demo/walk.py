"""The story, step by step: what is shown, the commands, and what must be true after them."""

import base64
import re

from demo import clouds, guest, manifests, shell, world

APPLY = "kubectl apply --server-side -f -"
CLIENT = f"python tests/demo/client.py {clouds.BUCKET}"
KEY_ID = "AWS_ACCESS_KEY_ID"


class Walk:
    """One walk through a world."""

    def __init__(self, found: world.World) -> None:
        self._shell = found.shell
        self._clouds = found.clouds
        self._amazon = found.clouds.amazon.url
        self._operator = found.operator
        self._title = found.shell.screen.title

    def go(self) -> None:
        """Makes all steps; raises Unexpected at the first that is not as it should be."""
        self._kinds()
        self._wrong_key()
        self._good_key()
        self._bucket()
        self._other_store()
        self._role()
        self._short_lived()
        self._bad_rotation()
        self._good_rotation()
        self._refused_deletion()
        self._released_deletion()
        self._shared()
        self._found()
        self._wrong_key_believed()
        self._overview()

    def _kinds(self) -> None:
        self._title("The operator adds two kinds: a Credential, and a CredentialReference that needs one.")
        printed = self._shell.run("kubectl api-resources --api-group=credential-operator.io -o name")
        self._shell.see(
            "the API server serves both", expected=sorted(guest.DEFINITIONS), seen=printed.split()
        )

    def _wrong_key(self) -> None:
        self._title(
            "A key with a wrong secret: AWS refuses it, and since AWS takes seconds to learn of a new "
            "key, it is asked twice more, 15 seconds apart, before that is believed (we come back to "
            "it)."
        )
        self._aws_key = self._clouds.new_key("deploy")
        wrong = clouds.wrong(self._aws_key)
        self._apply(manifests.example("aws", key=wrong, endpoint=self._amazon, suffix="-wrong"))
        self._shell.wait("credential/aws-wrong", "condition=Validated=Unknown")
        self._shell.run("kubectl get credential aws-wrong")
        self._shell.see_condition("aws-wrong", "Validated", "Unknown", "Unconfirmed")

    def _good_key(self) -> None:
        self._title(
            "A good key: AWS says whose it is, and it is published in the format that consumers read."
        )
        self._apply(manifests.example("aws", key=self._aws_key, endpoint=self._amazon))
        self._shell.wait("credential/aws", "condition=Ready")
        columns = "KEY:.status.key.id,IDENTITY:.status.identity.principal"
        self._shell.run(f"kubectl get credential aws -o custom-columns={columns}")
        self._shell.run("kubectl describe secret aws-env")
        self._shell.see_condition("aws", "Ready", "True", "Available")
        self._see_published("aws-env", self._aws_key)

    def _bucket(self) -> None:
        self._title(
            "A key for an S3 bucket, and a client that has nothing but the published Secret lists the bucket."
        )
        self._s3_key = self._clouds.new_key("backup")
        self._apply(manifests.example("s3", key=self._s3_key, endpoint=self._amazon))
        self._shell.wait("credential/s3", "condition=Ready")
        self._shell.run("kubectl get credential s3")
        self._list("s3-env", self._s3_key)

    def _other_store(self) -> None:
        self._title("The same with an S3 server that is not AWS.")
        key = self._clouds.store_key
        self._apply(manifests.example("s3-compatible", key=key, endpoint=self._clouds.store.url))
        self._shell.wait("credential/s3-compatible", "condition=Ready")
        self._list("s3-compatible-env", key)

    def _role(self) -> None:
        self._title(
            "A role in somebody's account: the operator names the external ID that the role's trust "
            "policy must ask for, and once it does, the role can be assumed."
        )
        self._apply(manifests.example("aws-role", key=self._aws_key, endpoint=self._amazon))
        self._shell.wait("credential/aws-role", "condition=Validated=Unknown")
        message = self._message("aws-role", "Validated")
        found = re.search(r"sts:ExternalId ([0-9a-f]{32})", message)
        if found is None:
            raise shell.Unexpected(f"expected: an external ID in the message\nseen: {message}")
        self._clouds.trust(found[1])
        self._shell.screen.say("(The role's owner now puts that ID into its trust policy.)")
        self._shell.run("kubectl annotate credential aws-role credential-operator.io/reconcile-at=now")
        self._shell.wait("credential/aws-role", "condition=Ready")
        self._shell.see_condition("aws-role", "Ready", "True", "Available")

    def _short_lived(self) -> None:
        self._title(
            "A key that ends by itself: consumers get a session that is renewed in time, and nobody but the "
            "operator holds the stored key."
        )
        self._apply(manifests.example("aws-short-lived", key=self._aws_key, endpoint=self._amazon))
        self._shell.wait("credential/aws-short-lived", "condition=Ready")
        ends = "jsonpath='{.status.targets[0].expiresAt}'"
        self._shell.run(f"kubectl get credential aws-short-lived -o {ends}")
        data = self._data("aws-short-lived-env")
        self._shell.see("the Secret holds a session", expected=True, seen=bool(data.get("AWS_SESSION_TOKEN")))
        stored = [part for part in self._aws_key if part in data.values()]
        self._shell.see("and nothing of the stored key", expected=[], seen=stored)

    def _bad_rotation(self) -> None:
        self._title(
            "A rotation that goes wrong: the new key is held back, and consumers keep the last good one."
        )
        self._rotate(clouds.wrong(self._s3_key))
        self._shell.wait("credential/s3", "condition=Synced=False")
        self._shell.run("kubectl get credential s3")
        self._message("s3", "Synced")
        self._shell.see_condition("s3", "Ready", "True", "HeldBack")
        self._list("s3-env", self._s3_key)

    def _good_rotation(self) -> None:
        self._title(
            "A rotation that goes well: the new key is published once AWS has accepted it; then the "
            "old one can be deleted at AWS."
        )
        old, self._s3_key = self._s3_key, self._clouds.new_key("backup")
        self._rotate(self._s3_key)
        self._shell.wait("credential/s3", f"jsonpath='{{.status.key.id}}'={self._s3_key[0]}")
        self._shell.see_condition("s3", "Synced", "True", "Published")
        # Nothing runs in the demo. Where workloads do, this waits until all of them have read the new key.
        self._shell.wait("credential/s3", "jsonpath='{.status.rotation.drained}'=true")
        self._shell.run("kubectl get credential s3 -o jsonpath='{.status.rotation}'")
        self._clouds.amazon.delete_key(old[0])
        self._shell.screen.say(f"(Key {old[0]} is now deleted at AWS.)")
        self._list("s3-env", self._s3_key)
        self._shell.run("kubectl events --for credential/s3")
        self._shell.see_condition("s3", "Ready", "True", "Available")

    def _refused_deletion(self) -> None:
        self._title(
            "A backup job says that it needs the Credential; from then on nobody deletes it by mistake."
        )
        self._shell.run(f"kubectl apply --server-side -f {manifests.EXAMPLES}/credentialreference.yaml")
        self._shell.wait("credential/s3", "jsonpath='{.status.references.declared}'=1")
        self._shell.run("kubectl get credentialreferences")
        printed = self._shell.run("kubectl delete credential s3", refused=True)
        named = "in use by CredentialReference nightly" in printed
        self._shell.see("the refusal names who needs it", expected=True, seen=named)
        self._shell.see_condition("s3", "Ready", "True", "Available")

    def _released_deletion(self) -> None:
        self._title(
            "The job releases it; now the deletion goes through, and takes the published Secret along."
        )
        self._shell.run("kubectl delete credentialreference nightly")
        self._shell.wait("credential/s3", "jsonpath='{.status.references.declared}'=0")
        self._shell.run("kubectl delete credential s3")
        self._shell.run("kubectl get secret s3-env", refused=True)
        self._shell.see("the Credential is gone", expected=None, seen=self._shell.get("credential", "s3"))
        self._shell.see(
            "the published Secret is gone", expected=None, seen=self._shell.get("secret", "s3-env")
        )

    def _shared(self) -> None:
        self._title(
            "Another team needs the AWS key: the owner shares it, and the team gets a Secret of its own, "
            "which follows every rotation."
        )
        grant = f'{{"spec":{{"allowedNamespaces":{{"names":["{guest.TEAM}"]}}}}}}'
        self._shell.run(f"kubectl patch credential aws --type=merge -p '{grant}'")
        claim = manifests.borrowing(guest.NAMESPACE)
        self._shell.run(f"{APPLY} -n {guest.TEAM}", stdin=claim.text, notes=claim.notes)
        self._shell.wait(f"credentialreference/costs -n {guest.TEAM}", "condition=Ready")
        self._shell.run(f"kubectl get credentialreferences,secrets -n {guest.TEAM}")
        self._see_published("costs-env", self._aws_key, "-n", guest.TEAM)

    def _found(self) -> None:
        self._title(
            "Nobody has to declare anything: a Deployment that uses a published Secret is found, and the "
            "deletion waits for it."
        )
        self._shell.run("kubectl create deployment bills --image=registry.k8s.io/pause:3.10 --replicas=0")
        self._shell.run("kubectl set env deployment/bills --from=secret/aws-env")
        self._shell.wait("credential/aws", "jsonpath='{.status.references.count}'=2")
        self._shell.run("kubectl get credential aws -o jsonpath='{.status.references}'")
        printed = self._shell.run("kubectl delete credential aws", refused=True)
        named = f"in use by CredentialReference {guest.TEAM}/costs" in printed
        self._shell.see("the refusal names the other team", expected=True, seen=named)

        self._shell.run(f"kubectl delete credentialreference costs -n {guest.TEAM}")
        self._shell.wait("credential/aws", "jsonpath='{.status.references.declared}'=0")
        self._shell.run("kubectl delete credential aws --wait=false")
        self._shell.wait("credential/aws", "condition=DeletionBlocked")
        self._message("aws", "DeletionBlocked")
        self._shell.run("kubectl delete deployment bills")
        self._shell.wait("credential/aws", "delete")
        self._shell.see(
            "the published Secret is gone", expected=None, seen=self._shell.get("secret", "aws-env")
        )

    def _wrong_key_believed(self) -> None:
        self._title(
            "Back to the wrong key: AWS has refused it three times, it was never published, and it "
            "says who has to do what."
        )
        self._shell.wait("credential/aws-wrong", "condition=Stalled")
        self._message("aws-wrong", "Ready")
        self._shell.see_condition("aws-wrong", "Ready", "False", "Rejected")
        published = self._shell.get("secret", "aws-env-wrong")
        self._shell.see("nothing was published", expected=None, seen=published)

    def _overview(self) -> None:
        self._title("All in one table; all the while the operator has logged no error.")
        self._shell.run("kubectl get credentials | cut -c -100")
        self._shell.see("the operator runs", expected=True, seen=self._operator.running)
        errors = [line for line in self._operator.lines() if line["level"] in ("ERROR", "CRITICAL")]
        self._shell.see("its log holds no error", expected=[], seen=errors)

    # What steps have in common

    def _apply(self, manifest: manifests.Manifest) -> None:
        self._shell.run(APPLY, stdin=manifest.text, notes=manifest.notes)

    def _rotate(self, key: manifests.Key) -> None:
        self._apply(manifests.source_secret("s3", key=key))

    def _list(self, secret: str, key: manifests.Key) -> None:
        """Lists the bucket with what a Secret says, which must be this key."""
        self._see_published(secret, key)
        printed = self._shell.run(f"kubectl get secret {secret} -o json | {CLIENT}")
        self._shell.see(
            f"the client sees all {len(clouds.OBJECTS)} objects with key {key[0]}",
            expected=[key[0], *clouds.OBJECTS],
            seen=[word for word in (key[0], *clouds.OBJECTS) if word in printed],
        )

    def _see_published(self, secret: str, key: manifests.Key, *where: str) -> None:
        """Checks the published key, whose secret half is compared and never shown."""
        data = self._data(secret, *where)
        same = (data.get(KEY_ID), data.get("AWS_SECRET_ACCESS_KEY")) == key
        self._shell.see(f"Secret {secret} holds key {key[0]}", expected=True, seen=same)

    def _data(self, secret: str, *where: str) -> dict[str, str]:
        """Reads what a Secret holds, without showing it."""
        found = self._shell.get("secret", secret, *where) or {}
        return {name: base64.b64decode(value).decode() for name, value in found.get("data", {}).items()}

    def _message(self, credential: str, condition: str) -> str:
        path = f'{{.status.conditions[?(@.type=="{condition}")].message}}'
        return self._shell.run(f"kubectl get credential {credential} -o jsonpath='{path}'")
