"""What Weaviate has of its own, by `store.do(...)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from onevec.adapters.weaviate.schema import tenant_name
from onevec.errors import InvalidQuery
from onevec.operations import Operation, found
from onevec.validate import checked_namespace

if TYPE_CHECKING:
    from onevec.adapters.weaviate import WeaviateAdapter

__all__ = ["Activate", "Activity", "Tenant", "Tenants"]

Activity: TypeAlias = Literal["ACTIVE", "INACTIVE", "OFFLOADED"]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as Weaviate has it.

    Attributes:
        name: Its name there: the namespace's, or a hash of it.
        activity: `"ACTIVE"` is in memory, `"INACTIVE"` on the disk only, `"OFFLOADED"` in an object store; another word
            while that changes.
    """

    name: str
    activity: str


@dataclass(frozen=True, slots=True)
class Tenants(Operation[list[Tenant]]):
    """List the tenants of a collection's class, by name."""

    collection: str

    engine: ClassVar[str] = "weaviate"

    async def run(self, adapter: WeaviateAdapter) -> list[Tenant]:
        found(await adapter.collection(self.collection), self.collection)
        tenants = await adapter.link.rest("GET", "schema", adapter.class_name(self.collection), "tenants")
        made = [Tenant(one["name"], _NEW_WORDS.get(one["activityStatus"], one["activityStatus"])) for one in tenants]
        return sorted(made, key=lambda tenant: tenant.name)


@dataclass(frozen=True, slots=True)
class Activate(Operation[None]):
    """Bring the tenants of some namespaces into memory, or let them out of it; a search brings its own back.

    Attributes:
        collection: The collection.
        namespaces: The namespaces, which must have been written to.
        activity: `"OFFLOADED"` needs a server that is set up for it.

    Raises:
        InvalidQuery: There is no such activity.
    """

    collection: str
    namespaces: Sequence[str]
    activity: Activity = "ACTIVE"

    engine: ClassVar[str] = "weaviate"

    async def run(self, adapter: WeaviateAdapter) -> None:
        if self.activity not in get_args(Activity) or isinstance(self.namespaces, str):
            raise InvalidQuery(
                f"activity is one of {', '.join(get_args(Activity))}, of a list of namespaces; got {self}"
            )
        found(await adapter.collection(self.collection), self.collection)
        names = [tenant_name(checked_namespace(one)) for one in self.namespaces]
        body = [{"name": name, "activityStatus": self.activity} for name in names]
        await adapter.link.rest("PUT", "schema", adapter.class_name(self.collection), "tenants", body=body)


_NEW_WORDS = {"HOT": "ACTIVE", "COLD": "INACTIVE", "FROZEN": "OFFLOADED"}  # before 1.26, and still in its answers
