"""Join the lists of people of several nodes that publish ROS4HRI bodies under one topic."""

from __future__ import annotations

from collections.abc import Iterable
import secrets
import time
from typing import Any

from rclpy.node import Node

# A node that has published nothing for so long is gone, or gets no images, s.
_PATIENCE_S = 1.0
_SUFFIX = 'tracked_by_node'


class BodyLists:
    """
    Publisher of the ids of all people that the nodes of this domain track.

    In REP-155 the newest message on the topic `tracked` is the list of all people. If several
    robots publish on it, each also publishes its own list on `tracked_by_node`, with the node's
    name as `frame_id`, and adds the people of the other nodes to what it publishes on `tracked`.

    Parameters
    ----------
    node : Node
        Publishes and listens.
    ids_list : Any
        The class hri_msgs.msg.IdsList.
    topic : str
        Topic under which the bodies are.

    """

    def __init__(self, node: Node, ids_list: Any, topic: str) -> None:
        self._node, self._ids_list = node, ids_list
        # Two nodes may have the same name in a domain.
        self._name = secrets.token_hex(8)
        self._others: dict[str, tuple[float, list[str]]] = {}
        self._all = node.create_publisher(ids_list, f'{topic}/tracked', 1)
        self._own = node.create_publisher(ids_list, f'{topic}/{_SUFFIX}', 1)
        self._heard = node.create_subscription(ids_list, f'{topic}/{_SUFFIX}', self._hear, 10)

    def publish(self, header: Any, ids: Iterable[str]) -> None:
        """
        Publish the people that this node tracks, and with them those of the others.

        Parameters
        ----------
        header : Header
            The image's.
        ids : Iterable[str]
            People of this node.

        """
        own, now = sorted(ids), time.monotonic()
        named = type(header)(stamp=header.stamp, frame_id=self._name)
        self._own.publish(self._ids_list(header=named, ids=own))
        # The executor's thread may add to the lists meanwhile.
        others = [ids for heard, ids in list(self._others.values()) if now - heard < _PATIENCE_S]
        everybody = sorted({*own, *(one for ids in others for one in ids)})
        self._all.publish(self._ids_list(header=header, ids=everybody))

    def destroy(self) -> None:
        """Publish an empty list to the other nodes, and remove the topics."""
        from std_msgs.msg import Header

        self._own.publish(self._ids_list(header=Header(frame_id=self._name), ids=[]))
        self._node.destroy_subscription(self._heard)
        for publisher in (self._all, self._own):
            self._node.destroy_publisher(publisher)

    def _hear(self, msg: Any) -> None:
        if msg.header.frame_id == self._name:
            return
        if msg.ids:
            self._others[msg.header.frame_id] = time.monotonic(), list(msg.ids)
        else:
            self._others.pop(msg.header.frame_id, None)
