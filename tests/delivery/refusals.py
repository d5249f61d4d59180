"""What ends a build of a release: each says what to do."""


class Refused(Exception):
    """The release is not built, and this is why."""
