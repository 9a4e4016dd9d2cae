"""gRPC calls over our own HTTP/2, against the server of grpcio."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from servers.bare import bare_server
from servers.collector import Collector

from profiler.common.errors import ServerError
from profiler.runtimes.kserve.channel import Channel
from profiler.runtimes.kserve.grpc import framed
from profiler.runtimes.kserve.message import METHOD

MEGABYTE = 2**20
WAIT_S = 20


def echo(request: bytes, _: grpc.ServicerContext) -> bytes:
    return request


def channel(endpoint: str, limit_s: float = WAIT_S) -> Channel:
    return Channel(endpoint, METHOD, limit_s)


def test_what_is_sent_and_answered_arrives_whole_however_large() -> None:
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with bare_server(echo, options=unlimited) as endpoint:
        calls = channel(endpoint)
        for size in (0, 1, 65536, 20 * MEGABYTE):
            message = np.random.default_rng(size).bytes(size)
            assert calls.call(framed(message)) == message


def test_callers_in_many_threads_each_get_their_own_answer() -> None:
    with bare_server(echo) as endpoint, ThreadPoolExecutor(8) as pool:
        calls = channel(endpoint)
        messages = [str(number).encode() for number in range(400)]
        assert list(pool.map(lambda message: calls.call(framed(message)), messages)) == messages


def test_an_error_tells_status_and_details_on_one_line() -> None:
    def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room\nfor größe 7")
        # The line above raises.
        return b""

    with bare_server(refuse) as endpoint:
        calls = channel(endpoint)
        for _ in range(2):
            with pytest.raises(ServerError, match=r"^inference failed: RESOURCE_EXHAUSTED: no room for größe 7$"):
                calls.call(framed(b""))


def test_a_server_that_hangs_is_given_up_and_can_be_called_again() -> None:
    awake = threading.Event()

    def hang(request: bytes, _: grpc.ServicerContext) -> bytes:
        if request == b"hang":
            awake.wait(WAIT_S)
        return request

    with bare_server(hang) as endpoint:
        calls = channel(endpoint, limit_s=0.5)
        with pytest.raises(ServerError, match=r"no answer within 0\.5 s|DEADLINE_EXCEEDED"):
            calls.call(framed(b"hang"))
        awake.set()
        assert calls.call(framed(b"now")) == b"now"


def test_nobody_listening_is_said() -> None:
    with pytest.raises(ServerError, match=r"no connection to 127\.0\.0\.1:9 \(.*refused"):
        channel("127.0.0.1:9").call(framed(b""))


def test_calls_that_nobody_waits_for_are_all_answered_also_beyond_what_the_server_takes_at_once() -> None:
    with bare_server(echo, options=[("grpc.max_concurrent_streams", 3)]) as endpoint:
        calls, collector = channel(endpoint), Collector()
        messages = [str(number).encode() * 1000 for number in range(100)]
        for message in messages:
            calls.send(framed(message), collector.take)
        assert sorted(collector.wait_for(100), key=str) == sorted(messages, key=str)


def test_sending_does_not_wait_for_the_answer() -> None:
    awake = threading.Event()

    def hang(request: bytes, _: grpc.ServicerContext) -> bytes:
        assert awake.wait(WAIT_S)
        return request

    with bare_server(hang) as endpoint:
        calls, collector = channel(endpoint), Collector()
        for _ in range(10):
            calls.send(framed(b"x" * 1000), collector.take)
        assert not collector.answers
        awake.set()
        assert collector.wait_for(10) == [b"x" * 1000] * 10


def test_a_server_that_goes_away_leaves_no_call_without_word_and_may_come_back() -> None:
    started = threading.Semaphore(0)

    def hang(_: bytes, context: grpc.ServicerContext) -> bytes:
        started.release()
        while context.is_active():
            time.sleep(0.01)
        return b""

    collector = Collector()
    with bare_server(hang) as endpoint:
        calls = channel(endpoint)
        for _ in range(20):
            calls.send(framed(b"x"), collector.take)
        assert started.acquire(timeout=WAIT_S)
    assert all(isinstance(answer, ServerError) for answer in collector.wait_for(20))
    with pytest.raises(ServerError, match="no connection"):
        calls.send(framed(b"x"), collector.take)


def test_connections_close_with_the_channel_that_opened_them() -> None:
    with bare_server(echo) as endpoint:
        calls = channel(endpoint)
        calls.call(framed(b"x"))
        (connection,) = calls._idle
        opened = connection._socket
        del connection, calls
        assert opened.fileno() == -1
