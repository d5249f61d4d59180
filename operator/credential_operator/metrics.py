"""What is counted as it happens, in Prometheus' conventions; label values come from stable, bounded sets.

What is as it is at the moment of a scrape is not kept here: see `scrape`.
"""

import prometheus_client as prometheus

NAMESPACE = "credential_operator"

# When a series began is one more series each, which the text format has no use for.
prometheus.disable_created_metrics()

RECONCILES = prometheus.Counter(
    "reconcile", "Reconciles by kind and result.", ["kind", "result"], namespace=NAMESPACE
)
RECONCILE_SECONDS = prometheus.Histogram(
    "reconcile_seconds",
    "Time of a reconcile, waiting for the provider included.",
    ["kind"],
    namespace=NAMESPACE,
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 30),
)
RETRIES = prometheus.Counter("workqueue_retries", "Reconciles that are repeated, by kind.", ["name"])
VALIDATIONS = prometheus.Counter(
    "validation", "Calls to providers by type and outcome.", ["type", "outcome"], namespace=NAMESPACE
)
VALIDATION_SECONDS = prometheus.Histogram(
    "validation_seconds",
    "Time of a call to a provider.",
    ["type"],
    namespace=NAMESPACE,
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)
VALIDATION_CPU = prometheus.Counter(
    "validation_cpu_seconds", "CPU time of calls to providers.", ["type"], namespace=NAMESPACE
)
ISSUES = prometheus.Counter(
    "issue",
    "Short-lived keys asked of providers, by type, kind and outcome.",
    ["type", "kind", "outcome"],
    namespace=NAMESPACE,
)
ROTATION_CALLS = prometheus.Counter(
    "rotation_call",
    "Calls to providers that rotate keys, by type, call and outcome.",
    ["type", "call", "outcome"],
    namespace=NAMESPACE,
)
API_REQUESTS = prometheus.Counter(
    "api_request", "Requests to the API server by verb and code.", ["verb", "code"], namespace=NAMESPACE
)
