# SPDX-License-Identifier: Apache-2.0
"""A board for tests/host/fake_libusb.c: a program that speaks the command channel, on a local socket. It lives on when a host goes away, as a board
does; a new connection is what FLUSH is on a real one: what the link holds in either direction is dropped, what the chip holds is not."""
import os
import select
import socket
import subprocess
import threading


class UsbBoard:
    """program: command line; fifo: bytes that the link holds each way."""

    def __init__(self, path, program, fifo=512, **options):
        self.path, self.fifo = path, fifo
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        near, far = socket.socketpair()
        self.chip = near
        self.process = subprocess.Popen(program, stdin=far, stdout=far, **options)
        far.close()
        self.wake, self.stop = os.pipe()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.stop)
        self.thread.join()
        self.process.kill()
        self.process.wait()
        for s in (self.chip, self.listener):
            s.close()
        os.close(self.wake)

    def _serve(self):
        host, to_chip, to_host, ended = None, b"", b"", False
        while not ended or to_host:  # what a chip that has ended said before still goes out
            read = [self.wake, self.listener] + ([self.chip] if not ended and len(to_host) < self.fifo else []) + ([host] if host and len(to_chip) < self.fifo else [])
            write = ([self.chip] if to_chip else []) + ([host] if host and to_host else [])
            readable, writable, _ = select.select(read, write, [])
            if self.wake in readable:
                return
            if self.chip in writable:
                try:
                    to_chip = to_chip[self.chip.send(to_chip):]
                except ConnectionError:
                    to_chip = b""
            if self.chip in readable:
                try:
                    data = self.chip.recv(self.fifo - len(to_host))
                except ConnectionError:
                    data = b""
                to_host += data
                ended = not data
            if self.listener in readable:
                if host:
                    host.close()
                host, to_chip, to_host = self.listener.accept()[0], b"", b""
                continue
            try:
                if host in writable:
                    to_host = to_host[host.send(to_host):]
                if host in readable:
                    data = host.recv(self.fifo - len(to_chip))
                    if not data:
                        host.close()
                        host = None
                    to_chip += data
            except ConnectionError:
                host.close()
                host = None
