"""Both kinds, as users write them and as status shows them: the one source of the CRDs."""
