"""What the operator costs, beside a plain kopf operator: `make bench`, or `python -m bench --help`.

A run is one control plane, one operator and one load, created by a client with a fixed number of
connections while the operator works:

`unchecked`  `validation.policy: Disabled`: the source Secret is read, the target written, the status set.
             The headline: what is compared with the baseline, which asks no provider either.
`aws`        the same, and each key is checked by an STS that verifies its signature.
`plain`      the baseline (`plain.py`): the objects of `unchecked`, served by kopf as most use it.

Parts of their own, which can be measured alone:

`growth`        The price of a Credential beside many others and beside few.
`distribution`  Credentials that many namespaces get without asking.
`renewals`      Short-lived keys, made and renewed by the same STS.
`pods`          The Pods of a large cluster, watched without a control plane.

Figures that are compared come from the same call of the bench.
"""
