"""The proxy passes everything through until it is told otherwise, and remembers what it saw."""

import concurrent.futures
import contextlib
import datetime as dt
import http.client
import json
import re
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controlplane import Cluster, ControlPlane
from controlplane.faults import FaultProxy

DEADLINE_SECONDS = 30.0
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def token(plane: ControlPlane) -> str:
    """Return the token of a ServiceAccount that may do what the tests do."""
    plane.kubectl("create", "serviceaccount", "behind")
    plane.kubectl("create", "rolebinding", "behind", "--clusterrole=edit", "--serviceaccount=default:behind")
    return plane.token("default", "behind", duration=dt.timedelta(hours=1))


@pytest.fixture
def proxy(plane: ControlPlane) -> Iterator[FaultProxy]:
    """Return a proxy without faults."""
    with FaultProxy(plane.url, plane.authority) as started:
        yield started


@pytest.fixture
def behind(proxy: FaultProxy, token: str, tmp_path: Path) -> Iterator[Cluster]:
    """Return the cluster as it looks through the proxy."""
    with ControlPlane.existing(proxy.kubeconfig(tmp_path / "kubeconfig", token=token)) as cluster:
        yield cluster


class Client:
    """A client without retries, so that each answer is seen."""

    def __init__(self, proxy: FaultProxy, token: str) -> None:
        context = ssl.create_default_context(cadata=proxy.authority_pem)
        port = int(proxy.url.rpartition(":")[2])
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", port, context=context, timeout=DEADLINE_SECONDS
        )
        self._token = token

    def ask(self, method: str, path: str, body: object = None) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        self._connection.request(method, path, json.dumps(body) if body else None, headers)
        return self._connection.getresponse()

    def status(self, method: str, path: str, body: object = None) -> int:
        answer = self.ask(method, path, body)
        answer.read()
        return answer.status

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def client(proxy: FaultProxy, token: str) -> Iterator[Client]:
    """Return a client of the proxy."""
    made = Client(proxy, token)
    yield made
    made.close()


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_without_faults_everything_passes(behind: Cluster, proxy: FaultProxy) -> None:
    began = time.time()
    behind.kubectl("create", "configmap", "passes", "--from-literal=a=ü")
    assert json.loads(behind.kubectl("get", "configmap", "passes", "--output=json").stdout)["data"] == {
        "a": "ü"
    }
    behind.kubectl("delete", "configmap", "passes")
    assert behind.kubectl("get", "configmap", "passes", check=False).returncode == 1
    assert proxy.count("POST", "configmaps$") == 1
    assert [seen[:3] for seen in proxy.writes] == [
        ("POST", CONFIG_MAPS, 201),
        ("DELETE", f"{CONFIG_MAPS}/passes", 200),
    ]
    assert ("GET", f"{CONFIG_MAPS}/passes", 404) in [seen[:3] for seen in proxy.requests]
    assert all(began <= seen.at <= time.time() for seen in proxy.requests)
    proxy.forget()
    assert proxy.requests == []


@pytest.mark.parametrize("status", [409, 410, 500])
def test_the_next_requests_that_match_fail(proxy: FaultProxy, client: Client, status: int) -> None:
    proxy.fail(status, method="GET", path=r"/configmaps$", times=2)
    seen = [client.status("GET", CONFIG_MAPS) for _ in range(3)]
    assert seen == [status, status, 200]
    assert client.status("GET", "/api/v1/namespaces/default/secrets") == 200


def test_an_answer_says_when_to_come_back(proxy: FaultProxy, client: Client) -> None:
    proxy.fail(429, method="GET", times=1, retry_after=7)
    answer = client.ask("GET", CONFIG_MAPS)
    document = json.load(answer)
    assert (answer.status, answer.headers["Retry-After"], document["reason"]) == (429, "7", "TooManyRequests")


def test_a_probability_is_kept_and_a_fault_can_be_lifted(proxy: FaultProxy, client: Client) -> None:
    fault = proxy.fail(503, path="configmaps", probability=0.5)
    seen = [client.status("GET", CONFIG_MAPS) for _ in range(60)]
    assert 15 <= seen.count(503) <= 45
    assert fault.hits == seen.count(503)
    proxy.lift(fault)
    assert {client.status("GET", CONFIG_MAPS) for _ in range(20)} == {200}


def test_a_write_may_be_done_although_its_answer_says_otherwise(proxy: FaultProxy, client: Client) -> None:
    proxy.fail(500, method="POST", times=1, applied=True)
    assert client.status("POST", CONFIG_MAPS, config_map("applied")) == 500
    assert client.status("POST", CONFIG_MAPS, config_map("applied")) == 409
    proxy.fail(500, method="POST", times=1)
    assert client.status("POST", CONFIG_MAPS, config_map("not-applied")) == 500
    assert client.status("POST", CONFIG_MAPS, config_map("not-applied")) == 201


def test_an_answer_can_be_lost(proxy: FaultProxy, client: Client) -> None:
    proxy.cut(method="POST", times=1, applied=True)
    with pytest.raises((http.client.HTTPException, OSError)):
        client.status("POST", CONFIG_MAPS, config_map("lost"))
    client.close()
    assert client.status("GET", f"{CONFIG_MAPS}/lost") == 200
    assert ("POST", CONFIG_MAPS, 0) in [seen[:3] for seen in proxy.requests]


def test_requests_can_be_delayed(proxy: FaultProxy, client: Client) -> None:
    proxy.delay(0.3, times=1)
    began = time.monotonic()
    assert client.status("GET", CONFIG_MAPS) == 200
    assert time.monotonic() - began >= 0.3


def test_an_answer_can_come_long_after_its_write(
    plane: ControlPlane, proxy: FaultProxy, client: Client
) -> None:
    proxy.delay(0.5, method="POST", times=1, applied=True)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(client.status, "POST", CONFIG_MAPS, config_map("answered-late"))
        found = ("get", "configmap", "answered-late")
        assert wait_until(lambda: plane.kubectl(*found, check=False).returncode == 0)
        assert answer.result() == 201
    assert time.monotonic() - began >= 0.5


def test_a_write_that_was_begun_is_forgotten_too(
    plane: ControlPlane, proxy: FaultProxy, client: Client
) -> None:
    proxy.delay(0.5, method="POST", times=1, applied=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(client.status, "POST", CONFIG_MAPS, config_map("begun-before"))
        found = ("get", "configmap", "begun-before")
        assert wait_until(lambda: plane.kubectl(*found, check=False).returncode == 0)
        proxy.forget()
        assert answer.result() == 201
    assert proxy.writes == []


def test_something_can_happen_between_a_write_and_its_answer(proxy: FaultProxy, client: Client) -> None:
    called: list[int] = []
    proxy.after_writes(2, lambda: called.append(len(proxy.writes)))
    for number, expected in enumerate(([], [], [3], [3])):
        # The second is refused: a write that was not done does not count.
        assert client.status("POST", CONFIG_MAPS, config_map(f"counted-{number // 2}")) in {201, 409}
        assert called == expected


def test_connections_can_be_refused_for_a_while(proxy: FaultProxy, client: Client) -> None:
    assert client.status("GET", CONFIG_MAPS) == 200
    url = proxy.url
    proxy.refuse_connections()
    with pytest.raises((http.client.HTTPException, OSError)):
        client.status("GET", CONFIG_MAPS)
    client.close()
    with pytest.raises(ConnectionRefusedError):
        client.status("GET", CONFIG_MAPS)
    client.close()
    proxy.accept_connections()
    assert client.status("GET", CONFIG_MAPS) == 200
    assert proxy.url == url


def test_a_watch_streams_and_can_be_cut(plane: ControlPlane, proxy: FaultProxy, client: Client) -> None:
    watch = client.ask("GET", f"{CONFIG_MAPS}?watch=1")
    name = "watched-first"
    plane.kubectl("create", "configmap", name)
    assert wait_until(lambda: re.search(name, watch.readline().decode()) is not None)
    assert proxy.open_watches == 1
    assert proxy.cut_watches() == 1
    # A reset between two chunks is an end to http.client, one within a chunk an error.
    with contextlib.suppress(http.client.HTTPException, OSError):
        watch.read()
    assert wait_until(lambda: proxy.open_watches == 0)


def test_a_watch_can_expire(proxy: FaultProxy, client: Client) -> None:
    watch = client.ask("GET", f"{CONFIG_MAPS}?watch=true")
    assert wait_until(lambda: proxy.open_watches == 1)
    assert proxy.expire_watches() == 1
    event = json.loads(watch.read().splitlines()[-1])
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_what_a_watch_says_can_be_held_back(plane: ControlPlane, proxy: FaultProxy, client: Client) -> None:
    watch = client.ask("GET", f"{CONFIG_MAPS}?watch=1")
    assert wait_until(lambda: proxy.open_watches == 1)
    proxy.hold_watches("configmaps")
    plane.kubectl("create", "configmap", "held-back")
    line = ""
    with concurrent.futures.ThreadPoolExecutor() as pool:

        def read() -> None:
            nonlocal line
            while "held-back" not in line:
                line = watch.readline().decode()

        reading = pool.submit(read)
        plane.kubectl("get", "configmaps")
        assert not reading.done()
        proxy.release_watches()
        reading.result(DEADLINE_SECONDS)


def test_a_fault_can_be_for_watches_alone(proxy: FaultProxy, client: Client) -> None:
    proxy.fail(410, path="configmaps", watch=True)
    assert client.status("GET", CONFIG_MAPS) == 200
    assert client.status("GET", f"{CONFIG_MAPS}?watch=1") == 410


def test_a_watch_that_is_left_is_left_by_the_proxy_too(proxy: FaultProxy, token: str) -> None:
    client = Client(proxy, token)
    watch = client.ask("GET", f"{CONFIG_MAPS}?watch=1")
    assert wait_until(lambda: proxy.open_watches == 1)
    watch.close()
    client.close()
    assert wait_until(lambda: proxy.open_watches == 0)


def test_an_api_server_that_is_away_is_away_for_its_clients_too(token: str) -> None:
    with ControlPlane() as plane, FaultProxy(plane.url, plane.authority) as proxy:
        client = Client(proxy, token)
        assert client.status("GET", CONFIG_MAPS) == 401
        plane.kill_apiserver()
        with pytest.raises((http.client.HTTPException, OSError)):
            client.status("GET", CONFIG_MAPS)
        plane.start_apiserver()
        client.close()
        assert client.status("GET", CONFIG_MAPS) == 401
        client.close()
