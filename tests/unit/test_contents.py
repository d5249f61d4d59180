"""What a Secret holds: bytes for us, base64 for the API server."""

from credential_operator import contents

HELD = {"text": b"a", "empty": b"", "binary": b"\xff\x00"}
WRITTEN = {"text": "YQ==", "empty": "", "binary": "/wA="}


def test_data_is_read_as_it_was_written() -> None:
    assert contents.encoded(HELD) == WRITTEN
    assert contents.decoded({"data": WRITTEN}) == HELD


def test_a_secret_may_hold_nothing() -> None:
    assert contents.decoded({}) == contents.decoded({"data": None}) == {}
