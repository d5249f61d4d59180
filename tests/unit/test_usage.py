"""Who uses which Secrets: the memory of what watches showed."""

import random

from credential_operator import consumers, usage
from credential_operator.findings import User
from credential_operator.objects import Key, Object
from credential_operator.usage import Use

ENV = Key("a", "backups-env")
OTHER = Key("a", "other")
API = User("Deployment", "a", "api")


def pod(name: str) -> Object:
    return Object("Pod", Key("a", name))


def test_a_user_is_there_as_long_as_one_of_its_objects_is() -> None:
    known = usage.Usage()
    assert known.put(pod("api-1"), Use(API, (ENV,))) == (ENV,)
    assert known.put(pod("api-2"), Use(API, (ENV,))) == ()
    assert known.users([ENV]) == {API}

    assert known.put(pod("api-1"), None) == ()
    assert known.users([ENV, OTHER]) == {API}
    assert known.put(pod("api-2"), None) == (ENV,)
    assert known.users([ENV]) == set()


def test_what_was_never_known_changes_nothing_when_it_goes() -> None:
    known = usage.Usage()
    assert known.put(pod("api-1"), None) == ()
    assert list(known.sources("Pod")) == []


def test_an_object_that_uses_something_else_leaves_what_it_used() -> None:
    known = usage.Usage()
    known.put(pod("api-1"), Use(API, (ENV,)))
    assert set(known.put(pod("api-1"), Use(API, (OTHER,)))) == {ENV, OTHER}
    assert (known.users([ENV]), known.users([OTHER])) == (set(), {API})
    assert list(known.sources("Pod")) == [Key("a", "api-1")]


def test_namespaces_and_kinds_keep_their_own_objects() -> None:
    known = usage.Usage()
    elsewhere = Object("Pod", Key("b", "api-1"))
    for source in (pod("api-1"), pod("api-2"), elsewhere, Object("Job", Key("a", "api-1"))):
        known.put(source, Use(API, (ENV,)))
    assert set(known.sources("Pod")) == {Key("a", "api-1"), Key("a", "api-2"), Key("b", "api-1")}

    known.put(elsewhere, None)
    assert set(known.sources("Pod")) == {Key("a", "api-1"), Key("a", "api-2")}
    assert list(known.sources("Job")) == [Key("a", "api-1")]


def test_users_of_one_secret_do_not_hide_each_other() -> None:
    worker = User("Deployment", "a", "worker")
    known = usage.gathered([(pod("a"), Use(API, (ENV,))), (pod("w"), Use(worker, (ENV, OTHER)))])
    assert known.users([ENV]) == {API, worker}
    known.put(pod("a"), None)
    assert known.users([ENV]) == {worker}


def test_the_pods_of_a_cronjob_s_job_are_the_cronjob_s() -> None:
    nightly = User("CronJob", "a", "nightly")
    job = User("Job", "a", "nightly-29384")
    known = usage.Usage()
    known.put(pod("nightly-29384-x"), Use(job, (ENV,)))
    assert known.users([ENV]) == {job}
    known.put(Object("Job", Key("a", "nightly-29384")), Use(nightly, (ENV,)))
    assert known.users([ENV]) == {nightly}


def test_in_any_order_what_is_left_is_what_is_there() -> None:
    """Whatever comes and goes, the users of a Secret are those of the objects that are there."""
    for seed in range(50):
        dice, known, there = random.Random(seed), usage.Usage(), dict[Object, Use]()
        for _ in range(60):
            source = pod(f"p{dice.randrange(6)}")
            secrets = tuple(sorted({dice.choice([ENV, OTHER]) for _ in range(dice.randrange(1, 3))}))
            use = Use(User("Deployment", "a", dice.choice("xyz")), secrets) if dice.random() < 0.6 else None
            known.put(source, use)
            there = {name: one for name, one in there.items() if name != source} | (
                {source: use} if use else {}
            )
            for secret in (ENV, OTHER):
                wanted = {one.user for one in there.values() if secret in one.secrets}
                assert known.users([secret]) == wanted, f"seed {seed}"


def test_custom_resources_use_what_their_rule_finds() -> None:
    store = next(rule for rule in consumers.load() if rule.kind == "ClusterSecretStore")
    kind = usage.by_rule(store)
    assert (kind.namespaced, kind.api_versions[0]) == (False, "external-secrets.io/v1")
    secret = {"name": "keys", "namespace": "a"}
    named = {"provider": {"aws": {"auth": {"secretRef": {"accessKeyIDSecretRef": secret}}}}}
    use = kind.use({"metadata": {"name": "cloud"}, "spec": named})
    assert use == Use(User("ClusterSecretStore", "", "cloud"), (Key("a", "keys"),))
    assert kind.use({"metadata": {"name": "cloud"}, "spec": {}}) is None


def test_of_each_user_of_a_secret_the_first_object_of_a_kind_is_known() -> None:
    worker, nightly = User("Job", "a", "worker"), User("CronJob", "a", "nightly")
    known = usage.Usage()
    known.put(Object("Job", Key("a", "worker")), Use(nightly, (ENV,)))
    for name, user in (("api-2", API), ("api-1", API), ("worker-1", worker)):
        known.put(pod(name), Use(user, (ENV,)))
    known.put(pod("api-0"), Use(API, (OTHER,)))
    assert known.firsts("Pod", ENV) == {API: Key("a", "api-1"), nightly: Key("a", "worker-1")}
    assert known.firsts("Pod", Key("a", "nobody's")) == {}


def test_what_several_follow_is_told_until_the_last_one_has_ended() -> None:
    known = usage.gathered([(pod("api-1"), Use(API, (ENV,)))])
    one, another = Key("a", "backups"), Object("Credential", Key("a", "backups"))
    known.follow(one, [ENV])
    known.follow(another, [ENV])
    known.follow(one, [])
    assert known.put(pod("api-2"), Use(API, (ENV,))) == (ENV,)
    known.follow(another, [])
    assert known.put(pod("api-3"), Use(API, (ENV,))) == ()
