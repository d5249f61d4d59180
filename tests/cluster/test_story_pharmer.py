"""The way of Pharmer's guide to AWS credentials, command by command: create in three ways, get, edit, delete."""

import pathlib

from cluster.desk import Desk, variables
from cluster.space import GROUP

FILE = """{{
  "accessKeyID": "{}",
  "secretAccessKey": "{}",
}}
"""
"""As the guide shows it, with its comma before the bracket."""


def test_a_user_of_pharmer_finds_the_same_way_here(desk: Desk, tmp_path: pathlib.Path) -> None:
    space, key = desk.space, desk.space.new_key()
    where = (*desk.fields(), "--wait")

    # pharmer create credential aws: "run the following command and paste" both.
    interrupted = desk.typed("create", "aws", "aws", *where, user="alice")
    interrupted.expect_hidden("accessKeyID")
    interrupted.type(f"{key[0]}\n")
    interrupted.expect_hidden("secretAccessKey")
    interrupted.interrupt()
    assert interrupted.end() == 130, interrupted.seen
    assert space.find("secret", "aws-keys") is None

    pasted = desk.typed("create", "aws", "aws", *where, user="alice")
    for field, value in {"accessKeyID": key[0], "secretAccessKey": key[1], "sessionToken": ""}.items():
        pasted.expect_hidden(field)
        pasted.type(f"{value}\n")
    assert pasted.end() == 0, pasted.seen
    assert "aws is valid" in pasted.seen

    # export AWS_ACCESS_KEY_ID=…; pharmer create credential … --provider aws --from-env
    made = desk.shown("create", "aws", "by-env", "--from-env", *where, user="alice", **variables(key))
    # pharmer create credential … --provider aws --from-file …
    file = tmp_path / "aws.json"
    file.write_text(FILE.format(*key))
    made += desk.shown("create", "aws", "by-file", "--from-file", str(file), *where, user="alice")
    for name in ("aws", "by-env", "by-file"):
        assert space.data(f"{name}-keys") == space.fields(key)

    # pharmer get credentials; pharmer get credentials aws -o yaml
    listed = desk.shown("list", user="alice")
    assert [line.split()[0] for line in listed.splitlines()[2:]] == ["aws", "by-env", "by-file"]
    shown = desk.shown("get", "aws", "-o", "yaml", user="alice")
    assert f"principal: {space.arn}" in shown

    # pharmer edit credential …
    desk.shown("edit", "aws", user="alice", KUBE_EDITOR="sed -i s/eu-west-1/eu-north-1/")
    assert space.get("credential", "aws")["spec"]["aws"]["region"] == "eu-north-1"
    # pharmer delete credential …
    gone = desk.shown("delete", "aws", "-o", "name", user="alice")
    assert gone == f"credential.{GROUP}/aws\n"
    assert space.find("credential", "aws") is None
    assert space.data("aws-keys") == space.fields(key)
    assert key[1] not in pasted.seen + made + listed + shown
