"""The rules of basic."""

from cluster.cases.case import probe_cases

CASES = dict(probe_cases("basic", "password"))
