"""The rules of ntlm."""

from cluster.cases.case import probe_cases

CASES = dict(probe_cases("ntlm", "password"))
