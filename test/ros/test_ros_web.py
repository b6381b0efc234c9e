"""The node's page: parameter web_port."""

from http.client import HTTPConnection
import json
import socket

from node_talk import publish_until
import pytest
from ros_fixtures import FakeEstimator, node_and_peer
from unihpe_ros.ros.node import PoseEstimatorNode


@pytest.fixture
def port() -> int:
    """Return a port that is free."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def test_page_shows_the_people_of_the_node_and_goes_with_it(run, port):
    with run(web_port=port) as (_, peer, _):
        connection = HTTPConnection('127.0.0.1', port, timeout=20)
        connection.request('GET', '/people')
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.readline() == b'retry: 1000\n'
        found = []

        def arrived() -> bool:
            line = answer.readline()
            if line.startswith(b'data: '):
                found.append(json.loads(line[6:]))
            return bool(found)

        publish_until(peer.camera(), arrived)
        assert [person['id'] for person in found[0]['people']] == [7, 8]
        assert found[0]['skeleton'] == 'coco17'
        assert {'latency', 'dropped'} <= set(found[0]['figures'])
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection('127.0.0.1', port, timeout=5).connect()


def test_port_that_is_taken_keeps_the_node_unconfigured_and_is_told(context, namespace, port):
    with socket.create_server(('127.0.0.1', port)):
        node, peer = node_and_peer(context, namespace, FakeEstimator, web_port=port)
        try:
            assert isinstance(node, PoseEstimatorNode)
            node.trigger_configure()
            assert 'cannot listen on 127.0.0.1' in node._failure
        finally:
            node.destroy_node()
            peer.destroy_node()
