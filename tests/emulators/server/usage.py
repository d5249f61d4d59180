"""GetAccessKeyLastUsed: moto counts the question itself as a use, which AWS does not see so soon."""

from __future__ import annotations

from collections.abc import Mapping

from emulators.server import accounts, answers, wire


def answer(form: Mapping[str, str]) -> wire.Reply:
    """Answers when a key was last used, before this request."""
    found = accounts.last_use(form.get("AccessKeyId", ""))
    if found is None:
        raise answers.Refusal(404, "NoSuchEntity", "The Access Key cannot be found.")
    user, use = found
    date = f"<LastUsedDate>{use.timestamp:%Y-%m-%dT%H:%M:%SZ}</LastUsedDate>" if use else ""
    region, service = (use.region, use.service) if use else ("N/A", "N/A")
    return answers.result(
        "iam",
        "GetAccessKeyLastUsed",
        f"<UserName>{user}</UserName><AccessKeyLastUsed><Region>{region}</Region>{date}"
        f"<ServiceName>{service}</ServiceName></AccessKeyLastUsed>",
    )
