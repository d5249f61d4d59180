"""A bill of materials in the words of CycloneDX 1.6: what is in it, who needs what, under which licence."""

import datetime
import uuid
from collections.abc import Iterable

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from delivery.inventory import Package


def bill(
    url: PackageURL, packages: Iterable[Package], *, version: str, epoch: int, needs: Iterable[str] = ()
) -> str:
    """Return the bill of something with an address; it needs what is told, or all that nobody else needs."""
    bom = Bom()
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(epoch, tz=datetime.UTC)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, url.to_string())
    kind = ComponentType.CONTAINER if url.type == "oci" else ComponentType.APPLICATION
    root = Component(name=url.name, version=version, type=kind, purl=url, bom_ref=url.to_string())
    bom.metadata.component = root
    found = [(one, _component(one)) for one in packages]
    for _, component in found:
        bom.components.add(component)
    known = {(one.url.type, one.name): component for one, component in found}
    needed: set[tuple[str, str]] = set()
    for one, component in found:
        # Each knows its own kind only: a package of Python's that needs a library of Debian's does not say so.
        on = [known[one.url.type, other] for other in one.needs if (one.url.type, other) in known]
        bom.register_dependency(component, on)
        needed.update((one.url.type, other) for other in one.needs if other != one.name)
    wanted = {("pypi", other) for other in needs} or known.keys() - needed
    bom.register_dependency(root, [known[key] for key in sorted(wanted) if key in known])
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    check(text)
    return text + "\n"


def check(text: str) -> None:
    """Raise ValueError where a bill is not what CycloneDX's schema asks for."""
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise ValueError(f"not a bill of materials: {problem}")


def _component(package: Package) -> Component:
    declared = LicenseAcknowledgement.DECLARED
    licenses = (
        [LicenseFactory().make_from_string(package.license, license_acknowledgement=declared)]
        if package.license
        else []
    )
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=package.url,
        bom_ref=package.url.to_string(),
        description=package.summary or None,
        licenses=licenses,
    )
