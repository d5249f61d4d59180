"""What pages show to be typed or written, for tests that do so."""

import re

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"# (\S+)\n")


def blocks(page: str, *languages: str) -> list[str]:
    """Return what a page shows in these languages, in its order."""
    return [text for language, text in BLOCK.findall(page) if language in languages]


def files(page: str) -> dict[str, str]:
    """Return the files that a page shows, by the name that their first line says in a comment.

    Raises ValueError for a name that is shown twice.
    """
    texts: dict[str, str] = {}
    for _, text in BLOCK.findall(page):
        if found := NAMED.match(text):
            if found[1] in texts:
                raise ValueError(f"{found[1]} is shown twice")
            texts[found[1]] = text[found.end() :]
    return texts
