"""The chart of docs/charts.md, which brings its Credential by the library in deploy/library: its whole life."""

import json
import pathlib
import shutil
from collections.abc import Callable

import pytest

import pages
from cluster.sites import Site
from cluster.space import Space
from controlplane.cluster import Completed

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "charts.md").read_text()
FILES = pages.files(PAGE)
"""Everything that the page shows, by the name in its first line."""
PROGRAMS = ("helm", "helm3")

Helm = Callable[..., Completed]


@pytest.fixture(params=PROGRAMS)
def helm(request: pytest.FixtureRequest, site: Site, space: Space) -> Helm:
    """One of Helm's versions, in the namespace of the test."""

    def run(*words: str | pathlib.Path) -> Completed:
        return site.plane.helm(*words, f"--namespace={space.name}", program=request.param)

    return run


@pytest.fixture
def chart(helm: Helm, tmp_path: pathlib.Path) -> pathlib.Path:
    """The page's chart, with its dependency."""
    shutil.copytree(ROOT / "deploy" / "library", tmp_path / "library")
    for name, text in FILES.items():
        file = tmp_path / "api" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    helm("dependency", "update", tmp_path / "api")
    return tmp_path / "api"


def test_a_release_brings_its_credential_and_takes_it_along(
    helm: Helm, chart: pathlib.Path, space: Space
) -> None:
    space.new_user()
    key = space.new_key()
    space.apply(space.source(key, "backups-keys"))
    at = {"aws": {"region": "eu-west-1", "endpoint": space.aws.url}, "s3": None}
    (chart / "values-here.yaml").write_text(json.dumps({"credentials": {"backups": at}}))
    here = f"--values={chart / 'values-here.yaml'}"
    helm("install", "api", chart, here)
    space.becomes("api-backups", Ready="True Available")
    assert space.key_in("backups-env") == key
    references = space.get("credential", "api-backups")["status"]["references"]
    assert (references["declared"], space.get("credential", "api-backups")["spec"]["whenReferenced"]) == (
        1,
        "Hold",
    )
    assert (
        space.get("credentialreference", "api-backups")["spec"]["description"] == "release api of chart api"
    )

    helm("upgrade", "api", chart, here, "--set=credentials.backups.description=nightly backups")
    assert space.becomes("api-backups", Ready="True Available")["spec"]["description"] == "nightly backups"
    helm("rollback", "api", "1")
    assert "description" not in space.becomes("api-backups", Ready="True Available")["spec"]

    helm("uninstall", "api")
    space.until(space.gone("credential", "api-backups"), "the Credential goes with the release")
    assert space.find("secret", "backups-env") is None
    assert space.find("secret", "backups-keys") is not None


def test_a_release_needs_a_credential_of_the_platform(
    helm: Helm, chart: pathlib.Path, space: Space, site: Site
) -> None:
    platform = site.space(f"{space.name}-platform"[-63:].strip("-"))
    key = platform.published(allowedNamespaces={"names": [space.name]})
    at = f"--set=credentialReferences.backups.credentialRef.namespace={platform.name}"
    helm("install", "api", chart, f"--values={chart / 'values-shared.yaml'}", at)
    space.becomes("api-backups", "credentialreference", Bound="True Bound", Synced="True Published")
    assert space.key_in("backups-env") == key
    assert space.all("credential") == []
    assert platform.run("delete", "credential", "backups", check=False).returncode != 0

    helm("uninstall", "api")
    space.until(space.gone("secret", "backups-env"), "what was lent goes with the release")
    platform.delete_when_free()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_library_is_linted(site: Site, program: str) -> None:
    site.plane.helm("lint", "--strict", ROOT / "deploy" / "library", program=program)
