"""What the operator says of every credential type in every situation: `make verdicts`.

`situations`  what can befall a key, and what the conditions then say
`scripts`     one file for each type: how its provider's stand-in comes to each situation
`stage`       stand-ins, control plane and the running operator
`run`         all situations of the keys at once, then one fault after the other
`report`      the matrix for people, for programs, and as a page of the reference
"""
