"""The only module that talks to the API server: a thin typed client on aiohttp.

Answers are parsed JSON documents. What the server refuses becomes an error of `errors`, or
`NotFound` and `Exists`, which only the caller can judge. No error carries a request's body.
"""

import contextlib
import ssl
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Self

import aiohttp
import orjson
import yarl

from credential_operator import errors, kubeconfig, metrics, traces

GROUP_VERSION = "credential-operator.io/v1beta1"
API = f"/apis/{GROUP_VERSION}"
LEASES = "/apis/coordination.k8s.io/v1"
MANAGER = "credential-operator"
"""Name of the operator as a field manager and as the source of events."""

PATCH = "application/json-patch+json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PAGE, PAGE_OF_WHOLES = 200, 50
"""How many objects a list gives at once: as metadata, or whole; a Pod takes fifty kilobytes while it is parsed."""
REQUEST_TIMEOUT = 30.0
"""Seconds after which a request that is not a watch is given up."""

Json = dict[str, Any]


class NotFound(Exception):
    """The object does not exist."""


class Exists(Exception):
    """An object of that name exists already."""


class Gone(Exception):
    """A watch cannot go on from where it was; list again."""


TROUBLE = (errors.CredentialError, NotFound, Exists)
"""What any request can end in."""


def properties(definition: Json, version: str, part: str) -> set[str]:
    """Gives the fields that a CustomResourceDefinition has in `spec` or `status`."""
    served = next((one for one in definition["spec"]["versions"] if one["name"] == version), None)
    if served is None:
        return set()
    schema = served["schema"]["openAPIV3Schema"]["properties"]
    return set(schema.get(part, {}).get("properties", {}))


def path(api_version: str, resource: str, namespace: str = "") -> str:
    """Gives where the API server has a resource: in a namespace, or in all ("")."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/namespaces/{namespace}/{resource}" if namespace else f"{root}/{resource}"


class Cluster:
    """A connection to one API server, shared by everything that reads or writes it.

    `may_write` is asked before every write but those of the Lease: a replica that no longer leads must not.
    """

    def __init__(
        self, found: kubeconfig.Configuration, *, may_write: Callable[[], bool] = lambda: True
    ) -> None:
        self._configuration = found
        self._may_write = may_write
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # Unlimited: each watch keeps one, and the workers are counted.
            connector=aiohttp.TCPConnector(ssl=_tls(self._configuration), limit=0, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, sock_connect=5),
            # The API server takes the field manager from this name, so no write need say it again.
            headers={"User-Agent": MANAGER},
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=self._configuration.proxy,
            trace_configs=traces.requests(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    # Secrets

    async def secret(self, namespace: str, name: str) -> Json:
        """Reads a Secret; raises NotFound."""
        return await self._request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")

    async def create_secret(self, manifest: Json) -> Json:
        """Creates a Secret; raises Exists. Never an apply, which would merge into somebody else's."""
        namespace = manifest["metadata"]["namespace"]
        return await self._request("POST", f"/api/v1/namespaces/{namespace}/secrets", body=manifest)

    async def patch_secret(self, namespace: str, name: str, patch: list[Json]) -> Json:
        """Patches a Secret by JSON patch; a failed test in it is a Conflict."""
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        return await self._request("PATCH", path, body=patch, kind=PATCH)

    async def delete_secret(self, namespace: str, name: str, *, uid: str, version: str) -> None:
        """Deletes a Secret if it is still that one; raises NotFound."""
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        await self._request("DELETE", path, body=_only(uid, version))

    # ServiceAccounts

    async def create_token(self, namespace: str, account: str, *, audience: str, seconds: int) -> str:
        """Makes a token of a ServiceAccount for one audience; raises NotFound, Forbidden."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        spec = {"audiences": [audience], "expirationSeconds": seconds}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return str((await self._request("POST", path, body=body))["status"]["token"])

    # Both kinds

    async def patch_object(self, plural: str, namespace: str, name: str, patch: list[Json]) -> Json:
        """Patches a Credential or CredentialReference by JSON patch; raises NotFound."""
        path = f"{API}/namespaces/{namespace}/{plural}/{name}"
        return await self._request("PATCH", path, body=patch, kind=PATCH)

    async def patch_status(
        self, plural: str, namespace: str, name: str, patch: list[Json], *, uid: str
    ) -> Json:
        """Patches the status of that very object by JSON patch; raises NotFound, Conflict for another one."""
        path = f"{API}/namespaces/{namespace}/{plural}/{name}/status"
        # A uid in a merge patch of a status is compared with nothing.
        test = {"op": "test", "path": "/metadata/uid", "value": uid}
        return await self._request("PATCH", path, body=[test, *patch], kind=PATCH)

    async def credential(self, namespace: str, name: str) -> Json:
        """Reads a Credential; raises NotFound."""
        return await self._request("GET", f"{API}/namespaces/{namespace}/credentials/{name}")

    async def create_reference(self, manifest: Json) -> Json:
        """Creates a CredentialReference; raises Exists, NotFound for a namespace that is gone."""
        place = path(GROUP_VERSION, "credentialreferences", manifest["metadata"]["namespace"])
        return await self._request("POST", place, body=manifest)

    async def delete_reference(self, namespace: str, name: str, *, uid: str, version: str) -> None:
        """Deletes a CredentialReference if it is still that one; raises NotFound."""
        path = f"{API}/namespaces/{namespace}/credentialreferences/{name}"
        await self._request("DELETE", path, body=_only(uid, version))

    async def references(self, namespace: str) -> list[Json]:
        """Lists the CredentialReferences of a namespace or of all (""), fresh from the API server's store."""
        found = path(GROUP_VERSION, "credentialreferences", namespace)
        return [item async for page in self.list_pages(found, metadata=False) for item in page["items"]]

    # Everything else

    async def read(self, path: str, name: str) -> Json:
        """Reads an object of a collection; raises NotFound."""
        return await self._request("GET", f"{path}/{name}")

    async def namespace(self, name: str) -> Json:
        """Reads a namespace; raises NotFound."""
        return await self._request("GET", f"/api/v1/namespaces/{name}")

    async def definition(self, name: str) -> Json:
        """Reads a CustomResourceDefinition; raises NotFound."""
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
        return await self._request("GET", path)

    async def served(self) -> set[str]:
        """Gives which of both kinds the API server serves, by their plurals; raises NotFound where it knows neither."""
        found = await self._request("GET", API)
        return {one["name"] for one in found["resources"]}

    async def create_event(self, event: Json) -> None:
        """Writes an event."""
        namespace = event["metadata"]["namespace"]
        await self._request("POST", f"/api/v1/namespaces/{namespace}/events", body=event)

    async def lease(self, namespace: str, name: str) -> Json:
        """Reads a Lease; raises NotFound."""
        return await self._request("GET", _lease_path(namespace, name))

    async def create_lease(self, lease: Json) -> Json:
        """Creates a Lease; raises Exists."""
        return await self._request("POST", _lease_path(lease["metadata"]["namespace"]), body=lease)

    async def replace_lease(self, lease: Json) -> Json:
        """Replaces a Lease of that resourceVersion; raises Conflict."""
        metadata = lease["metadata"]
        return await self._request("PUT", _lease_path(metadata["namespace"], metadata["name"]), body=lease)

    # Lists and watches

    async def list_pages(
        self, path: str, *, selector: str = "", labels: str = "", metadata: bool = True, size: int = PAGE
    ) -> AsyncGenerator[Json, None]:
        """Lists a collection page by page: of what fits both selectors, by fields and by labels."""
        query = {"limit": str(size), "fieldSelector": selector, "labelSelector": labels}
        while True:
            page = await self._request(
                "GET", path, query=query, accept=METADATA_LIST if metadata else "application/json"
            )
            # A list of metadata without any says null.
            page["items"] = page["items"] or []
            yield page
            following = page["metadata"].get("continue")
            if not following:
                return
            query["continue"] = following

    async def list_served(
        self, paths: Iterable[str], *, selector: str = "", metadata: bool, size: int
    ) -> AsyncIterator[tuple[str, Json]]:
        """Lists a collection where the API server has it: gives the first such path with each page.

        Raises NotFound where it is at none of the paths, as when its kind is not installed.
        """
        for path in paths:
            try:
                async for page in self.list_pages(path, selector=selector, metadata=metadata, size=size):
                    yield path, page
            except NotFound:
                continue
            return
        raise NotFound

    async def watch(
        self, path: str, *, selector: str = "", metadata: bool = True, version: str, seconds: int
    ) -> AsyncIterator[Json]:
        """Streams what changes after a resourceVersion; raises Gone, ends after `seconds`."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "fieldSelector": selector,
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        # A watch that says nothing for this long is dead: bookmarks come every minute.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=90)
        with _Counted("GET") as counted:
            accept = METADATA if metadata else "application/json"
            request = await self._prepare("GET", path, query=query, accept=accept, timeout=timeout)
            async with request as response:
                await counted.accept(response)
                buffer = bytearray()
                async for chunk in response.content.iter_any():
                    buffer += chunk
                    *lines, rest = buffer.split(b"\n")
                    buffer = bytearray(rest)
                    for line in lines:
                        yield _event(line)

    async def _request(self, verb: str, path: str, **options: Any) -> Json:
        with _Counted(verb) as counted:
            request = await self._prepare(verb, path, **options)
            async with request as response:
                await counted.accept(response)
                answer: Json = orjson.loads(await response.read())
                return answer

    async def _prepare(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        kind: str = "application/json",
        accept: str = "application/json",
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Makes a request ready to be sent, which entering it does."""
        if self._session is None:
            raise errors.Unavailable("The connection to the API server is closed.")
        if verb != "GET" and not path.startswith(LEASES) and not self._may_write():
            raise errors.Unavailable("This replica does not lead any more.")
        headers = {"Accept": accept, "Content-Type": kind}
        if authorization := await self._configuration.get_api_key_with_prefix("BearerToken"):
            headers["Authorization"] = authorization
        options: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
        # Names of the API need no escapes; a query may.
        url = yarl.URL(f"{self._configuration.host}{path}", encoded=True)
        return self._session.request(
            verb,
            url if query is None else url.with_query(query),
            data=None if body is None else orjson.dumps(body),
            headers=headers,
            **options,
        )


class _Counted:
    """A request from its sending to its end: counted by its code, its failure put into our words."""

    def __init__(self, verb: str) -> None:
        self._verb = verb

    def __enter__(self) -> Self:
        """Begins."""
        return self

    async def accept(self, response: aiohttp.ClientResponse) -> None:
        """Counts the answer; raises what stands for a refusal."""
        metrics.API_REQUESTS.labels(self._verb, response.status).inc()
        if response.status >= 400:  # noqa: PLR2004
            raise await _refusal(response)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        """Says that the API server does not answer, where that is what ended the request."""
        if isinstance(error, aiohttp.ClientError | TimeoutError | ConnectionError):
            metrics.API_REQUESTS.labels(self._verb, "none").inc()
            raise errors.Unavailable(f"The API server does not answer ({type(error).__name__}).") from None


def _only(uid: str, version: str) -> Json:
    """Words a deletion of that very object as it was seen."""
    conditions = {"uid": uid, "resourceVersion": version}
    return {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": conditions}


def _lease_path(namespace: str, name: str = "") -> str:
    return f"{LEASES}/namespaces/{namespace}/leases/{name}".rstrip("/")


def _tls(found: kubeconfig.Configuration) -> ssl.SSLContext | bool:
    if not str(found.host).startswith("https"):
        return True
    context = ssl.create_default_context(cafile=found.ssl_ca_cert)
    if found.cert_file:
        context.load_cert_chain(found.cert_file, found.key_file)
    if not found.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _event(line: bytes | bytearray) -> Json:
    event: Json = orjson.loads(line)
    if event["type"] == "ERROR":
        raise _error(event["object"].get("code", 500), event["object"], None)
    return event


async def _refusal(response: aiohttp.ClientResponse) -> Exception:
    try:
        status = orjson.loads(await response.read())
    except ValueError:
        status = {}
    return _error(
        response.status, status if isinstance(status, dict) else {}, response.headers.get("Retry-After")
    )


def _error(code: int, status: Json, retry_after: str | None) -> Exception:
    """Gives the error for a refusal; a message of the API server names fields and users, never contents."""
    reason = status.get("reason", "")
    if code == 410:  # noqa: PLR2004
        return Gone()
    if code == 404:  # noqa: PLR2004
        return NotFound()
    if reason == "AlreadyExists":
        return Exists()
    if code == 403:  # noqa: PLR2004
        return errors.Forbidden(f"The API server refuses the operator: {status.get('message', 'forbidden')}")
    if code in (409, 422):
        return errors.Conflict(
            f"The object changed meanwhile, or the API server refuses it ({reason or code})."
        )
    wait = float(retry_after) if retry_after and retry_after.isdigit() else None
    return errors.Unavailable(f"The API server answers {code}.", retry_after=wait)
