"""A report as a page that needs nothing else: with its styles and its script in it, and every value escaped."""

import base64
import functools
import hashlib
import importlib.resources
from collections.abc import Mapping

import jinja2
import yaml

from credential_operator.api import reports
from credential_operator.cli import charts, sheets, tables, times

FOLDER = "templates"
TEMPLATES = {
    "CredentialReport": "report.html",
    "UnmanagedReport": "unmanaged.html",
    "FleetReport": "fleet.html",
}
INLINE = {"style": "report.css", "early": "early.js", "script": "report.js"}
"""What stands in the page as it is."""
CLASSES = {tables.GOOD: "good", tables.WARN: "warn", tables.BAD: "bad"}
"""What a style of the terminal is called there."""


def html(document: reports.Report | reports.Unmanaged | reports.Fleet) -> str:
    """Writes the page."""
    text = _environment().get_template(TEMPLATES[document.kind]).render(document=document, **_drawn(document))
    return f"{text}\n"


def _drawn(document: reports.Report | reports.Unmanaged | reports.Fleet) -> Mapping[str, object]:
    """Gives what is worked out before the template is filled."""
    if isinstance(document, reports.Fleet):
        shared = sum(len({place.cluster for place in key.places}) > 1 for key in document.keys)
        return {"about": [], "clusters": sheets.clusters(document), "shared": shared}
    about = {"about": [(name, cell.text) for name, cell in sheets.about(document)]}
    if isinstance(document, reports.Unmanaged):
        return about
    ending = sorted((one for one in document.credentials if one.expires_at), key=lambda one: one.expires_at)
    return {
        **about,
        "summary": sheets.summary(document),
        "counts": sheets.total(document.summary).findings,
        "attention": sheets.attention(document),
        "timeline": charts.timeline(document.credentials, document.generated_at),
        "soon": charts.SOON,
        "ending": ending[: charts.MOST],
        "more_ending": len(ending) - charts.MOST,
        "graph": charts.graph(document.credentials),
    }


@functools.cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"ahead": times.ahead, "ago": times.ago, "class": _class, "yaml": _yaml}
    own = {name: _text(file) for name, file in INLINE.items()}
    made.globals |= {
        **own,
        "sources": {name: _digest(text) for name, text in own.items()},
        "reports": reports,
        "of_finding": sheets.of_finding,
        "styles": sheets.STYLES,
        "why": sheets.why,
    }
    return made


def _text(name: str) -> str:
    return (importlib.resources.files(__package__) / FOLDER / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Gives what the page's policy knows a text by: no other style or script is taken."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _class(style: str) -> str:
    return CLASSES.get(style, "")


def _yaml(manifest: Mapping[str, object]) -> str:
    return str(yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=110))
