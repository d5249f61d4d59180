"""A program that uses a key, as it runs in Pods: tells whose key it finds, each time when that changes.

`consumer.py [--once] [FOLDER]`; the key is in files of the folder, or in the environment.
"""

import json
import os
import pathlib
import sys
import time

import botocore.exceptions
import botocore.session

NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
HERE = pathlib.Path(__file__).parent


def ask(folder: str) -> dict[str, str]:
    """Ask the provider who this is."""
    key_id, secret = (_field(folder, name) for name in NAMES)
    client = botocore.session.get_session().create_client(
        "sts",
        region_name="eu-west-1",
        endpoint_url=os.environ["PROVIDER"],
        verify=str(HERE / "ca.crt"),
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )
    try:
        return {"key": key_id, "arn": client.get_caller_identity()["Arn"]}
    except botocore.exceptions.ClientError as error:
        return {"key": key_id, "error": str(error)}


def _field(folder: str, name: str) -> str:
    return pathlib.Path(folder, name).read_text() if folder else os.environ[name]


def main() -> None:
    """Ask once, or again and again."""
    once = "--once" in sys.argv
    folder = "".join(word for word in sys.argv[1:] if word != "--once")
    told: dict[str, str] = {}
    while True:
        found = ask(folder)
        if found != told:
            sys.stdout.write(f"{json.dumps(found)}\n")
            sys.stdout.flush()
            told = found
        if once:
            break
        time.sleep(1)


if __name__ == "__main__":
    main()
