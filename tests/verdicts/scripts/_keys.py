"""Two RSA keys, made before scripts are prepared side by side: each may make one otherwise, and not the same."""

from providers import signing

PRIVATE, OTHER_PRIVATE = (signing.private("RS256", number) for number in (0, 1))
PUBLIC, OTHER_PUBLIC = (signing.public("RS256", number) for number in (0, 1))
