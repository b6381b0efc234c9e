"""The worker: newest first, nothing queues, an error ends nothing."""

import threading

from ros_fixtures import wait_until
from unihpe_ros.ros.worker import Mailbox, Worker


def test_the_newest_item_replaces_the_one_before():
    mailbox = Mailbox()
    assert not mailbox.put(1)
    assert mailbox.put(2)
    assert mailbox.take() == [2]
    assert not mailbox.put(3)


def test_each_sender_has_a_slot():
    mailbox = Mailbox()
    assert not mailbox.put(1, 'front')
    assert not mailbox.put(2, 'rear')
    assert mailbox.put(3, 'front')
    assert sorted(mailbox.take()) == [2, 3]


def test_closing_wakes_who_waits():
    mailbox = Mailbox()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take()))
    thread.start()
    mailbox.close()
    thread.join(2)
    assert taken == [[]]
    mailbox.put(1)
    assert mailbox.take() == []


def test_a_slow_worker_skips_to_the_newest():
    handled, errors = [], []
    began, go = threading.Event(), threading.Event()

    def handle(items):
        began.set()
        go.wait(2)
        handled.extend(items)

    worker = Worker(handle, errors.append)
    worker.submit(0)
    assert began.wait(2)
    dropped = sum(worker.submit(item) for item in range(1, 10))
    go.set()
    assert wait_until(lambda: len(handled) == 2)
    worker.stop()
    assert handled == [0, 9]
    assert dropped == 8
    assert errors == []


def test_an_error_is_reported_and_the_next_item_is_handled():
    handled, errors = [], []

    def handle(items):
        if 'bad' in items:
            raise ValueError('no good')
        handled.extend(items)

    worker = Worker(handle, errors.append)
    worker.submit('bad')
    assert wait_until(lambda: errors)
    worker.submit('good')
    assert wait_until(lambda: handled)
    worker.stop()
    assert (handled, [str(error) for error in errors]) == (['good'], ['no good'])


def test_stopping_finishes_the_item_in_work():
    handled = []
    began = threading.Event()

    def handle(items):
        began.set()
        handled.extend(items)

    worker = Worker(handle, print)
    worker.submit(1)
    assert began.wait(2)
    worker.stop()
    assert handled == [1]
