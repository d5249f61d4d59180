"""Many random interleavings of what people do and what befalls the operator: `make races`.

`programs`    what a few people do to a namespace at the same time, drawn from a seed
`actors`      plays them, straight to the API server; `borrowers`, `holders` and `handouts` have their verbs
`scene`       where a program is played: a namespace, and a neighbour's
`weather`     what befalls the operator meanwhile, drawn from the seed too
`stage`       control plane, proxies, and up to two replicas
`variants`    the operator with another clock, or with a fault built in
`api`         requests, and watches that miss nothing
`history`     every version of every object, in order
`claims`      what references say, and whom they are about
`invariants`  what must be true of each history; it does not know the operator's code
`lent`        the same, of claims from other namespaces and of holders
`given`       the same, of what is distributed
`leading`     the same, of who writes
`ending`      what must be true in the end
`rounds`      many programs at a time under one weather, and what came of them
`run`         rounds, one after the other
`report`      how to repeat a failure, and all that is known of it
"""
