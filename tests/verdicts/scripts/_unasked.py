"""What all rows share about whose keys nobody is asked."""

from collections.abc import Mapping

from verdicts import situations
from verdicts.script import Cannot, Says
from verdicts.situations import UNCHECKED

PUBLISHED = ("good", "wrong secret")


def exceptions(why: str, *, but: tuple[str, ...] = ()) -> Mapping[str, Cannot | Says]:
    """Marks every situation, but those that the key itself tells."""
    names = (one.name for one in situations.ALL if one.name not in but)
    return {name: Says(UNCHECKED, why) if name in PUBLISHED else Cannot(why) for name in names}
