# SPDX-License-Identifier: Apache-2.0
"""quell itself, with the real libusb in a real Linux kernel, through QEMU's usb-redir into the Verilated board on its wires (docs/qemu.md).

One guest for all tests; each leaves the board plugged in. Where the guest cannot be made here, build/qemu/missing says why and all tests are skipped.
"""
import time

import numpy as np
import pytest

from tests.qemu.session import NOISE, RULE, SMALL_IMAGES, Session, missing
from tools import cli

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no guest: {missing()}")

REAL_IMAGES, COUNT = 2, 12
# Exit codes of quell (host/lib/quell.h)
LOST, NOT_FOUND, ACCESS, BUSY = 11, 14, 15, 16


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with Session(tmp_path_factory.mktemp("qemu")) as made:
        yield made


def test_waits_for_the_board_and_lists_it(session):
    assert session.devices() == []
    answer = session.guest.run(session.command("small"))
    assert answer.code == NOT_FOUND and "no board is plugged in" in answer.err
    waiting = session.guest.start("quell devices --wait --json /tmp/waited")
    session.bridge.plug()
    answer = waiting.wait()
    assert answer.code == 0 and "board at USB 1-1" in answer.out
    (board,) = session.devices()
    assert board["available"] and board["place"] == "1-1" and board["serial"] and board["version"] == (cli.ROOT / "VERSION").read_text().strip()


def test_without_permission_names_the_udev_rule(session):
    run = session.command("small", user="user", limit=1)
    answer = session.guest.run(run)
    assert answer.code == ACCESS and RULE.name in answer.err
    answer = session.guest.run(f"cp /{RULE.name} /etc/udev/rules.d/ && udevadm control --reload && udevadm trigger --settle")
    assert answer.code == 0
    answer = session.guest.run(run)
    assert answer.code == 0, answer.err
    assert np.array_equal(session.result(), session.reference("small", limit=1))


def test_real_images_give_the_same_bytes(session):
    answer = session.guest.run(session.command("real", limit=REAL_IMAGES, **NOISE))
    assert answer.code == 0, answer.err
    expected = session.reference("real", limit=REAL_IMAGES, **NOISE)
    assert expected.shape == (REAL_IMAGES, 10) and np.array_equal(session.result(), expected)


@pytest.fixture(scope="module")
def early(session):
    """Bytes that have come from the board when some of the images of a long run are done: those of loading and of a few answers."""
    before = session.bytes_in()
    assert session.guest.run(session.command("small", limit=4)).code == 0
    return session.bytes_in() - before


def right_again(session):
    """A run with other settings than those before gives what it should."""
    answer = session.guest.run(session.command("small", limit=COUNT, **NOISE))
    assert answer.code == 0, answer.err
    assert np.array_equal(session.result(), session.reference("small", limit=COUNT, **NOISE))


def test_unplugged_in_the_middle(session, early):
    """Results so far are kept; the next run waits for the board and is right."""
    session.bridge.unplug_after(early)
    running = session.guest.start(session.command("small"))
    session.bridge.unplugged()
    answer = running.wait()
    assert answer.code == LOST and "unplugged" in answer.err, answer
    kept = session.result()
    assert 0 < len(kept) < SMALL_IMAGES and np.array_equal(kept, session.reference("small", limit=len(kept)))

    waiting = session.guest.start(session.command("small", limit=COUNT, wait=True))
    time.sleep(0.5)
    session.bridge.plug()
    answer = waiting.wait()
    assert answer.code == 0, answer.err
    assert np.array_equal(session.result(), session.reference("small", limit=COUNT))


def test_killed_in_the_middle(session, early):
    """While one quell works another is refused; after a kill -9 of the first the next one finds a usable board without replugging."""
    running = session.begin(early)
    answer = session.guest.run(session.command("small", limit=1))
    assert answer.code == BUSY and "in use" in answer.err, answer
    session.guest.run("killall -KILL quell")
    assert running.wait().code == 128 + 9
    right_again(session)


def test_taken_away_by_the_kernel(session, early):
    """The administrator withdraws the device in the middle of a run (its configuration becomes 0) and gives it back."""
    running = session.begin(early)
    assert session.guest.run("echo 0 > /sys/bus/usb/devices/1-1/authorized").code == 0
    answer = running.wait()
    assert answer.code == LOST, answer
    assert session.guest.run("echo 1 > /sys/bus/usb/devices/1-1/authorized").code == 0
    right_again(session)
