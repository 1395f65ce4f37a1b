"""Who only subscribes never reads the map: with one node down, the others must be found all the same."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool

from gateway.store.cluster import ClusterRedis
from gateway.store.cluster_map import Node


def test_a_subscription_is_not_always_made_at_the_first_node_that_was_named() -> None:
    asked: set[Node] = set()

    def make_pool(node: Node) -> BlockingConnectionPool:
        return BlockingConnectionPool(host=node[0], port=node[1])

    seeds = [("127.0.0.1", 1), ("127.0.0.1", 2), ("127.0.0.1", 3)]
    redis = ClusterRedis(seeds, make_pool)
    for _ in range(100):
        kwargs = redis.pubsub().connection_pool.connection_kwargs
        asked.add((kwargs["host"], kwargs["port"]))
    assert asked == set(seeds)
