"""Keys of Google's service accounts before a Google that verifies them."""

from __future__ import annotations

import json
from typing import Any

from credential_operator.providers import google
from emulators.google import Google
from providers import suite

NO_KEY = "0" * 40


def staged(emulator: Google, key: dict[str, Any]) -> suite.Stage:
    """Puts a key before the stand-in that has made it."""
    return suite.Stage(
        provider=google.PROVIDER,
        emulator=emulator,
        config={"tokenURL": emulator.token_url, "apiEndpoint": emulator.url},
        good={"serviceAccountJSON": json.dumps(key)},
        wrong={"the id of no key": {"serviceAccountJSON": json.dumps({**key, "private_key_id": NO_KEY})}},
        secret_fields=("serviceAccountJSON",),
        at=lambda config, url: {**config, "tokenURL": f"{url}/token", "apiEndpoint": url},
    )
