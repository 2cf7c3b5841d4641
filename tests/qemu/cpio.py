# SPDX-License-Identifier: Apache-2.0
"""Write archives for the kernel's initramfs: cpio, "newc" format (Linux: Documentation/driver-api/early-userspace/buffer-format.rst)."""
import stat


class Archive:
    """Collects files in memory; parent folders are made as needed. bytes() is the archive."""

    def __init__(self):
        self._entries = {}

    def folder(self, path):
        """Add a folder and those above it."""
        if path.strip("/"):
            self.folder(path.rpartition("/")[0])
            self._entries.setdefault(path.strip("/"), (stat.S_IFDIR | 0o755, b""))

    def file(self, path, content, mode=0o644):
        self.folder(path.rpartition("/")[0])
        self._entries[path.strip("/")] = (stat.S_IFREG | mode, content)

    def link(self, path, target):
        self.folder(path.rpartition("/")[0])
        self._entries[path.strip("/")] = (stat.S_IFLNK | 0o777, target.encode())

    def program(self, path, source, libraries):
        """A program of this computer and the shared libraries that it loads (paths, from libraries_of)."""
        self.file(path, source.read_bytes(), 0o755)
        for library in libraries:
            self.file(str(library), library.resolve().read_bytes(), 0o755)

    def __bytes__(self):
        entries = [*self._entries.items(), ("TRAILER!!!", (0, b""))]
        return b"".join(_entry(number, name, mode, content) for number, (name, (mode, content)) in enumerate(entries, 1))


def _entry(number, name, mode, content):
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)  # inode, mode, owner, group, links, time, size, devices, name size, check
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(data):
    return data + bytes(-len(data) % 4)
