"""The page of a report: whole in itself, the same for every reader, and nothing in it but text."""

import base64
import hashlib
import re
from typing import Any

import pytest

from cli import crowd, world
from cli.markup import Page
from cli.test_fleet import entry, report
from credential_operator.api import facts, reports
from credential_operator.cli import fleet, page

HOSTILE = (
    "</title></style></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    "{{ 7 * 7 }}{% raw %}\u202egnp.exe&lt;<svg onload=alert(1)> javascript:alert(1)"
)
USER = facts.User(kind=HOSTILE[:63], namespace=HOSTILE[40:100], name=HOSTILE)
Document = reports.Report | reports.Unmanaged | reports.Fleet


def loose(**more: Any) -> reports.Unmanaged:
    """Return a report of a Secret that nobody manages."""
    known = {"namespace": "team-a", "name": "keys", "type": "aws", "keys": ("AWS_ACCESS_KEY_ID",)}
    return reports.Unmanaged(
        generated_at=world.NOW,
        cluster=reports.Cluster(name="eu-1"),
        scope=reports.Scope(),
        secrets=(reports.Loose(**{**known, **more}),),
        unseen=(reports.Loose(namespace="team-a", name="whole"),),
    )


def hostile() -> list[Document]:
    """Return documents in which everything that somebody could write is hostile."""
    wrong = {
        **dict.fromkeys(("name", "namespace", "uid", "type", "key_id", "identity", "source"), HOSTILE),
        **dict.fromkeys(("display_name", "team", "contact", "reason", "message"), HOSTILE),
    }
    rotation = reports.Rotation(previous_key_id=HOSTILE)
    bad = entry(
        **wrong,
        verdict="Invalid",
        why=(HOSTILE,),
        users=(USER,),
        user_count=1,
        rotation=rotation,
        expires_at=world.ahead(days=3),
        public={"region": HOSTILE},
    )
    found = report(HOSTILE, bad, uid=HOSTILE, namespace=HOSTILE, selector=HOSTILE, seen_as=HOSTILE)
    told = loose(name=HOSTILE, keys=(HOSTILE,), users=(USER,), said=(HOSTILE,), manifest={"kind": HOSTILE})
    return [found, told, fleet.fleet([found, report("other", bad, uid="u")])]


DOCUMENTS: list[Document] = [
    crowd.report(60),
    report("empty"),
    loose(manifest={"kind": "Credential"}, users=(facts.User(kind="Deployment", namespace="a", name="b"),)),
    loose().model_copy(update={"unseen": ()}),
    fleet.fleet([crowd.report(20), crowd.report(20, seed=8, name="us-1")]),
]


@pytest.mark.parametrize("number", range(3))
def test_nothing_that_somebody_wrote_is_more_than_text(number: int) -> None:
    document = hostile()[number]
    harmless, written = (Page(page.html(one)) for one in (DOCUMENTS[(0, 2, 4)[number]], document))

    assert {tag for tag, _ in written.elements} <= {tag for tag, _ in harmless.elements}
    assert HOSTILE in written.text
    assert "49" not in written.text.replace(HOSTILE, "")
    for tag, attributes in written.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style")], tag
        assert attributes.get("href", "#").startswith("#")
    assert len(written.named("script")) == 2


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_page_needs_nothing_else(document: Document) -> None:
    text = page.html(document)
    read = Page(text)

    assert not re.findall(
        r"""(?:src|srcset|action|data|poster)=|url\(|@import|https?://(?!minio|id\.)""", text
    )
    assert {"link", "img", "iframe", "object", "form"} & {tag for tag, _ in read.elements} <= {"form"}
    assert not [attributes for _, attributes in read.elements if "style" in attributes]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_its_policy_takes_its_own_style_and_scripts_alone(document: Document) -> None:
    text = page.html(document)
    (policy,) = [one["content"] for one in Page(text).named("meta") if "http-equiv" in one]
    inline = re.findall(r"<(style|script)>(.*?)</\1>", text, re.DOTALL)

    for kind, content in inline:
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        (said,) = [part for part in policy.split("; ") if part.startswith(f"{kind}-src ")]
        assert f"'sha256-{digest}'" in said
        assert "unsafe" not in said
    assert [kind for kind, _ in inline] == ["style", "script", "script"]
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'"} <= set(policy.split("; "))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_page_is_for_everybody(document: Document) -> None:
    read = Page(page.html(document))

    assert len(read.named("table")) == len(read.named("caption"))
    assert all(head["scope"] in ("col", "row") for head in read.named("th"))
    assert all(one["aria-label"] for one in read.named("svg"))
    assert all(one.get("tabindex") == "0" for one in read.named("div") if one.get("role") == "region")
    assert [tag for tag, _ in read.elements if re.fullmatch("h[1-6]", tag)][:2] == ["h1", "h2"]
    assert read.named("html")[0]["lang"] == "en"
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_without_a_script_every_credential_is_there() -> None:
    found = crowd.report(300)

    read = Page(page.html(found))

    assert all(one.name in read.text and one.key_id in read.text for one in found.credentials)
    assert [one["hidden"] for one in read.named("form")] == [""]


def test_what_there_is_none_of_is_said() -> None:
    text = page.html(report("empty"))

    assert "No key has an end that is known." in text
    assert "Nobody was found to use any." in text


def test_a_manifest_that_is_proposed_can_be_copied() -> None:
    text = page.html(loose(manifest={"kind": "Credential", "metadata": {"name": "keys"}}))

    assert "<pre>kind: Credential\nmetadata:\n  name: keys\n</pre>" in text
