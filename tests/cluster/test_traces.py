"""What a collector is told of the operator's work, and what it is not."""

import pathlib

from cluster import collector, sites
from controlplane import ControlPlane
from emulators.aws import AwsEmulator

WRONG = ("AKIAWRONGWRONGWRONG1", "CANARYinASecretThatIsWrong/0123456789abc")


def test_a_collector_is_told_of_passes_and_of_what_they_asked(
    aws: AwsEmulator, tmp_path: pathlib.Path
) -> None:
    # A cluster of its own: nobody else's operator may be the one that publishes.
    with (
        collector.collecting() as told,
        ControlPlane() as plane,
        sites.site(plane, aws, tmp_path, settings={"traces_endpoint": told.url}) as site,
    ):
        space = site.space("traced")
        key = space.published()
        space.apply(space.source(WRONG))
        space.becomes(Validated="Unknown Unconfirmed")
        site.operator.stop()  # sends the last of them

    spans = told.spans
    passes = {identity: attributes for name, attributes, identity, _ in spans if name == "reconcile"}
    assert {"kind": "Credential", "namespace": "traced", "name": "backups", "result": "ok"} in passes.values()
    checks = [(attributes, around) for name, attributes, _, around in spans if name == "validate"]
    assert all(around in passes for _, around in checks)
    host = aws.url.removeprefix("https://")
    assert {"type": "aws", "host": host} in [attributes for attributes, _ in checks]
    assert {"type": "aws", "host": host, "error.type": "Rejected"} in [attributes for attributes, _ in checks]
    asked = {
        (name, attributes["url.path"])
        for name, attributes, _, around in spans
        if around in passes and "url.path" in attributes
    }
    assert ("GET", "/api/v1/namespaces/traced/secrets/keys") in asked
    assert ("POST", "/api/v1/namespaces/traced/secrets") in asked

    sent = b"".join(told.sent)
    assert not [word for word in (key[1], WRONG[1]) if word.encode() in sent]
