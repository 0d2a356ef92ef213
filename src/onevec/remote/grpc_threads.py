"""gRPC's thread of events, shared by all its asynchronous channels of a process."""

from __future__ import annotations

from functools import cache


@cache
def keep() -> None:
    """Keep it until the process ends.

    Else whoever lets go of the last channel waits for the thread to end: an event loop, if it is in the middle of one's
    garbage collection.
    """
    from grpc.aio import init_grpc_aio

    init_grpc_aio()
