"""The client, with its errors mapped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, ParamSpec

from onevec.adapters.elasticsearch.failures import as_onevec, refused
from onevec.adapters.elasticsearch.sources import Json
from onevec.errors import OnevecError
from onevec.remote import Missing
from onevec.runtime import Runtime

P = ParamSpec("P")


_JSON = {"accept": "application/json", "content-type": "application/json"}


class Outcome(NamedTuple):
    """What came of one item of a bulk request: its HTTP status, and the error if it was refused."""

    status: int
    error: OnevecError | None


class Link:
    """Calls to one server.

    Attributes:
        client: An `Elasticsearch` or `AsyncElasticsearch`, whose methods differ in their colour only.
        where: The server's address, for messages.
        io: The runtime.
    """

    def __init__(self, io: Runtime, client: Any, where: str) -> None:  # Any: one of the two
        self.client = client
        self.where = where
        self.io = io

    async def call(self, method: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:  # Any: JSON values
        """Await a method of the client, and return the body of the answer.

        Raises:
            Missing: There is no such index.
            OnevecError: What the client raised, in onevec's tree.
        """
        try:
            answer = await self.io.call(method, *args, **kwargs)
            return None if answer is None else answer.body
        except Exception as error:
            mapped = as_onevec(error, self.where)
            if mapped is error:
                raise
            raise mapped from error

    async def search(self, alias: str, request: Json) -> Json:
        """Run a search; one that only a part of the shards can answer is an error."""
        # What the client's own `search` does besides is to put the parts of the request together.
        path = f"/{alias}/_search?allow_partial_search_results=false"
        found: Json = await self.call(self.client.perform_request, "POST", path, headers=_JSON, body=request)
        return found

    async def bulk(self, alias: str, lines: Sequence[bytes], *, refresh: bool) -> list[Outcome]:
        """Write and delete documents, and return what came of each.

        Raises:
            Missing: The alias is gone. Nothing was written, and no index was made by the attempt.
        """
        answer = await self.call(
            self.client.bulk,
            operations=lines,
            index=alias,
            require_alias=True,
            refresh=refresh,
            filter_path="items.*.status,items.*.error",
        )
        return [self._outcome(item) for one in answer["items"] for item in one.values()]

    def _outcome(self, item: Json) -> Outcome:
        if "error" not in item:
            return Outcome(item["status"], None)
        error = refused(item["status"], item["error"], self.where)
        if isinstance(error, Missing):  # as all of them are then
            raise error
        return Outcome(item["status"], error)
