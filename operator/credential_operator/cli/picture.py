"""Where keys come from and where they go: source, Credential, Secrets, and who uses each. Pure."""

import dataclasses
import json
from collections.abc import Iterator, Sequence

from credential_operator.cli import description
from credential_operator.cli.description import Facts
from credential_operator.cli.documents import User

SHAPES = {"source": "folder", "Credential": "box", "Secret": "note"}
"""How Graphviz draws what is no user."""


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """Something in the picture: what it is, its name, a word about it, and what comes from it."""

    kind: str
    name: str
    about: str = ""
    below: tuple["Node", ...] = ()

    @property
    def label(self) -> str:
        """Names it."""
        return f"{self.kind} {self.name}" + (f"  ({self.about})" if self.about else "")


def picture(facts: Facts) -> Node:
    """Gives the source of a Credential with all that comes from it."""
    one = facts.credential
    kind, _, name = one.source.partition(" ")
    shown = set[User]()
    targets = tuple(
        _secret(facts, target["name"], target["format"], shown) for target in one.spec.get("targets", ())
    )
    borrowed = tuple(
        _reference(facts, user, shown) for user, reference in description.users(facts) if reference
    )
    source = _found(facts, name, shown) if kind == "Secret" else ()
    rest = tuple(
        _node(user, one.namespace)
        for user, reference in description.users(facts)
        if not (reference or user in shown)
    )
    about = ", ".join(word for word in (one.type, one.ready.reason) if word)
    credential = Node("Credential", f"{one.namespace}/{one.name}", about, (*targets, *borrowed, *rest))
    return Node(kind, f"{one.namespace}/{name}", "source", (credential, *source))


def _secret(facts: Facts, name: str, form: str, shown: set[User], namespace: str | None = None) -> Node:
    place = namespace or facts.credential.namespace
    return Node("Secret", f"{place}/{name}", form, _found(facts, name, shown, place))


def _found(facts: Facts, secret: str, shown: set[User], namespace: str | None = None) -> tuple[Node, ...]:
    place = namespace or facts.credential.namespace
    users = facts.consumers.get((place, secret), ())
    shown.update(users)
    return tuple(_node(user, place) for user in users)


def _node(user: User, namespace: str) -> Node:
    return Node(user.kind, f"{user.namespace or namespace}/{user.name}")


def _reference(facts: Facts, user: User, shown: set[User]) -> Node:
    reference = next(each for each in facts.references if each.user == user)
    target = reference.target
    below = (
        (_secret(facts, target["name"], target["format"], shown, user.namespace),)
        if target is not None
        else ()
    )
    about = reference.why or reference.holder
    return Node(user.kind, f"{user.namespace}/{user.name}", about, below)


def text(roots: Sequence[Node]) -> str:
    """Draws the picture with lines."""
    return "\n\n".join("\n".join([root.label, *_branches(root)]) for root in roots)


def _branches(node: Node) -> Iterator[str]:
    for number, child in enumerate(node.below, start=1):
        last = number == len(node.below)
        yield f"{'└─' if last else '├─'} {child.label}"
        for line in _branches(child):
            yield f"{'   ' if last else '│  '}{line}"


def edges(roots: Sequence[Node]) -> tuple[dict[tuple[str, str], Node], list[tuple[Node, Node]]]:
    """Gives everything in the pictures once, and what comes from what."""
    nodes: dict[tuple[str, str], Node] = {}
    lines: dict[tuple[tuple[str, str], tuple[str, str]], tuple[Node, Node]] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop(0)
        nodes.setdefault((node.kind, node.name), node)
        for child in node.below:
            lines.setdefault(((node.kind, node.name), (child.kind, child.name)), (node, child))
        waiting.extend(node.below)
    return nodes, [*lines.values()]


def dot(roots: Sequence[Node]) -> str:
    """Draws the picture for Graphviz."""
    nodes, lines = edges(roots)
    drawn = ["digraph credentials {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for node in nodes.values():
        shape = SHAPES.get(node.about if node.about == "source" else node.kind, "ellipse")
        drawn.append(
            f"  {_quoted(node)} [shape={shape}, label={json.dumps(_lines(node), ensure_ascii=False)}];"
        )
    drawn += [f"  {_quoted(one)} -> {_quoted(other)};" for one, other in lines]
    return "\n".join([*drawn, "}"])


def _quoted(node: Node) -> str:
    return json.dumps(f"{node.kind} {node.name}", ensure_ascii=False)


def _lines(node: Node) -> str:
    return "\n".join(part for part in (f"{node.kind} {node.name}", node.about) if part)


def mermaid(roots: Sequence[Node]) -> str:
    """Draws the picture for Mermaid, which READMEs and wikis show."""
    nodes, lines = edges(roots)
    ids = {key: f"n{number}" for number, key in enumerate(nodes)}
    drawn = ["flowchart LR"]
    drawn += [f'  {ids[key]}["{_escaped(_lines(node))}"]' for key, node in nodes.items()]
    drawn += [f"  {ids[one.kind, one.name]} --> {ids[other.kind, other.name]}" for one, other in lines]
    return "\n".join(drawn)


def _escaped(label: str) -> str:
    return label.replace("&", "&amp;").replace('"', "&quot;").replace("\n", "<br>")


def document(node: Node) -> dict[str, object]:
    """Gives the picture for programs."""
    below = [document(child) for child in node.below]
    return {"kind": node.kind, "name": node.name, "about": node.about, "below": below}
