"""A server that ends a connection: what it has not begun is sent again, what it has begun is not (RFC 9113, 6.8)."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from servers.collector import Collector
from servers.scripted import Peer, Script, echo, scripted_server

from profiler.common.errors import ServerError
from profiler.runtimes.kserve.calls import RefusedError
from profiler.runtimes.kserve.channel import TRIES, Channel
from profiler.runtimes.kserve.connection import Connection
from profiler.runtimes.kserve.frames import LARGEST_WINDOW_BYTES
from profiler.runtimes.kserve.grpc import framed
from profiler.runtimes.kserve.message import METHOD

WAIT_S = 20
CLOSED = r"inference failed: .*(closed the connection|reset by peer)"


@contextmanager
def channel(*scripts: Script) -> Iterator[Channel]:
    """To a server that follows these, closed before the server waits for its connections to end."""
    with scripted_server(*scripts) as endpoint:
        channel = Channel(endpoint, METHOD, WAIT_S)
        yield channel
        channel.close()


def send(calls: Channel, *messages: bytes) -> list[bytes | ServerError]:
    """The answers, in the order in which they come."""
    collector = Collector()
    for message in messages:
        calls.send(framed(message), collector.take)
    return collector.wait_for(len(messages))


def last_words(*last: int) -> Script:
    """Takes a request, says up to which call it has begun, and closes."""

    def script(peer: Peer) -> None:
        peer.greet()
        peer.requests(1)
        for number in last:
            peer.go_away(number)

    return script


def test_calls_beyond_the_last_that_was_begun_are_sent_again_and_the_others_answered_where_they_are() -> None:
    def ending(peer: Peer) -> None:
        peer.greet()
        requests = peer.requests(3)
        peer.go_away(last=3)
        for stream, message in requests[:2]:
            peer.answer(stream, message + b" of the old one")
        peer.wait_for_end()

    with channel(ending, echo) as calls:
        answers = send(calls, b"a", b"b", b"c")
    assert sorted(answers, key=str) == [b"a of the old one", b"b of the old one", b"c"]


def test_a_caller_that_waits_is_answered_by_a_later_connection() -> None:
    with channel(last_words(0), last_words(0), echo) as calls:
        assert calls.call(framed(b"a")) == b"a"


def test_what_was_begun_and_not_answered_is_an_error_and_not_sent_again() -> None:
    with channel(last_words(1), last_words(1), echo) as calls:
        (answer,) = send(calls, b"a")
        assert re.match(CLOSED, str(answer))
        with pytest.raises(ServerError, match=CLOSED) as raised:
            calls.call(framed(b"a"))
        assert not isinstance(raised.value, RefusedError)
        assert calls.call(framed(b"a")) == b"a"


def test_a_server_may_say_first_that_it_will_end_and_later_where() -> None:
    with channel(last_words(LARGEST_WINDOW_BYTES, 0), last_words(LARGEST_WINDOW_BYTES, 1), echo) as calls:
        (answer,) = send(calls, b"a")
        assert re.match(CLOSED, str(answer))


def test_no_call_is_started_on_a_connection_that_is_to_end() -> None:
    told = threading.Event()

    def ending(peer: Peer) -> None:
        peer.greet()
        ((stream, message),) = peer.requests(1)
        peer.go_away(stream)
        peer.answer(stream, message)
        told.set()
        peer.wait_for_end()

    with channel(ending, echo) as calls:
        assert calls.call(framed(b"a")) == b"a"
        assert told.wait(WAIT_S)
        assert calls.call(framed(b"b")) == b"b"


@pytest.mark.parametrize("word", [True, False], ids=["says so", "says nothing"])
def test_a_server_that_ends_an_idle_connection_costs_no_call(word: bool) -> None:
    ended = threading.Event()

    def ending(peer: Peer) -> None:
        peer.greet()
        ((stream, message),) = peer.requests(1)
        peer.answer(stream, message)
        assert answered.wait(WAIT_S)
        if word:
            peer.go_away(stream)
        peer.reset()
        ended.set()

    for call in (Channel.call, send_framed):
        answered = threading.Event()
        ended.clear()
        with channel(ending, echo) as calls:
            assert call(calls, framed(b"a")) == b"a"
            answered.set()
            assert ended.wait(WAIT_S)
            assert call(calls, framed(b"b")) == b"b"


def send_framed(calls: Channel, body: bytes) -> bytes | ServerError:
    """As `Channel.call`, by the connections that are shared."""
    collector = Collector()
    calls.send(body, collector.take)
    return collector.wait_for(1)[0]


def test_a_connection_that_was_closed_while_nobody_read_from_it_is_not_used() -> None:
    def ending(peer: Peer) -> None:
        peer.greet()
        ((stream, message),) = peer.requests(1)
        peer.answer(stream, message)
        peer.finish()
        finished.set()
        peer.wait_for_end()

    finished = threading.Event()
    with channel(ending, echo) as calls:
        assert calls.call(framed(b"a")) == b"a"
        assert finished.wait(WAIT_S)
        assert calls.call(framed(b"b")) == b"b"


def test_nothing_is_sent_on_a_connection_after_the_word_that_it_will_end() -> None:
    def ending(peer: Peer) -> None:
        peer.greet()
        peer.requests(1)
        peer.go_away(LARGEST_WINDOW_BYTES)
        peer.wait_for_end()

    with scripted_server(ending) as endpoint:
        connection, collector = Connection(endpoint, METHOD, WAIT_S), Collector()
        connection.send(framed(b"a"), collector.take)
        while connection.usable:
            connection.receive()
        with pytest.raises(RefusedError):
            connection.send(framed(b"b"), collector.take)
        assert not collector.answers
        connection.close()


def test_a_server_that_ends_gracefully_is_not_kept_waiting_by_a_channel_that_stays_open() -> None:
    ended = threading.Event()

    def ending(peer: Peer) -> None:
        peer.greet()
        ((stream, message),) = peer.requests(1)
        peer.go_away(stream)
        peer.answer(stream, message)
        peer.wait_for_end()
        ended.set()

    with channel(ending) as calls:
        assert send(calls, b"a") == [b"a"]
        assert ended.wait(WAIT_S)


def test_a_request_that_cannot_be_handed_over_is_told_as_not_begun() -> None:
    opened, ended = threading.Event(), threading.Event()

    def ending(peer: Peer) -> None:
        peer.greet()
        assert opened.wait(WAIT_S)
        peer.reset()
        ended.set()

    with scripted_server(ending) as endpoint:
        connection, collector = Connection(endpoint, METHOD, WAIT_S), Collector()
        opened.set()
        assert ended.wait(WAIT_S)
        with pytest.raises(RefusedError):
            connection.send(framed(b"a"), collector.take)
        connection.receive()
    assert connection.idle
    assert not collector.answers


@pytest.mark.parametrize("greets", [True, False])
def test_a_connection_that_ends_before_the_first_call_is_followed_by_another_one(greets: bool) -> None:
    def ending(peer: Peer) -> None:
        if greets:
            peer.greet()
            peer.go_away(0)

    with channel(ending, ending, echo) as calls:
        assert calls.call(framed(b"a")) == b"a"
    with channel(ending, ending, echo) as calls:
        assert send(calls, b"b") == [b"b"]


def test_a_server_that_never_begins_is_given_up() -> None:
    connections = []

    def ending(peer: Peer) -> None:
        connections.append(peer)
        last_words(0)(peer)

    with channel(ending) as calls:
        (answer,) = send(calls, b"a")
        assert isinstance(answer, ServerError)
        assert len(connections) == TRIES
        with pytest.raises(ServerError, match="closes the connection"):
            calls.call(framed(b"a"))
        assert len(connections) == 2 * TRIES
