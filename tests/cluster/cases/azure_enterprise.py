"""The rules of azureEnterprise."""

from cluster.cases.case import Case, field_cases
from cluster.crds import Json, spec


def enterprise(enrollment: str) -> Json:
    """Return a spec of this type."""
    return spec(without="aws", azureEnterprise={"enrollment": enrollment})


CASES = {
    **dict(field_cases("azureEnterprise", "apiKey", enterprise("8608480"), sources="env, fields")),
    "azureEnterprise: an enrollment has a number": Case(
        "spec.azureEnterprise.enrollment",
        "must be an enrollment's number: digits, such as 8608480",
        good=enterprise("8608480"),
        bad=enterprise("E8608480"),
    ),
}
