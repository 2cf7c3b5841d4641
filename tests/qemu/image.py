# SPDX-License-Identifier: Apache-2.0
"""Make the guest of the QEMU test: a Debian kernel and a small initramfs, from Debian packages, into build/qemu.

    python -m tests.qemu.image

The kernel is that of linux-image-amd64, downloaded and unpacked, never installed; busybox and udev are those of this computer. If something cannot be had,
build/qemu/missing says what, and tests/system/test_qemu.py is skipped with that text; that is no error.
"""
import bz2
import gzip
import lzma
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.qemu.cpio import Archive

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build/qemu"
HERE = Path(__file__).resolve().parent
# In the order in which they are loaded.
MODULES = ("common/usb-common.ko", "core/usbcore.ko", "host/xhci-hcd.ko", "host/xhci-pci.ko")
UDEV = ("/lib/systemd/systemd-udevd", "/bin/udevadm")
RULES = "/lib/udev/rules.d/50-udev-default.rules"


class Missing(Exception):
    """Something that the guest is made of is not to be had here."""


def libraries_of(program):
    """The shared libraries that a program loads, with the loader, as paths of this computer."""
    result = subprocess.run(["ldd", program], capture_output=True, text=True)
    return [Path(p) for p in re.findall(r"(/\S+) \(0x", result.stdout)]


def output_of(*command, cwd=None):
    try:
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise Missing(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as problem:
        raise Missing(f"{' '.join(command)}: {problem.stderr.strip() or problem.stdout.strip()}") from None


def kernel_package(folder):
    """Download the kernel's package and unpack it into folder."""
    name = re.search(r"Depends: (linux-image-\S+)", output_of("apt-cache", "depends", "linux-image-amd64"))
    if not name:
        raise Missing("apt knows no linux-image-amd64")
    output_of("apt-get", "download", "-q", name[1], cwd=folder)
    package = next(folder.glob("linux-image-*.deb"))
    output_of("dpkg-deb", "--extract", str(package), str(folder))
    return name[1]


# How a kernel's payload begins -> what makes it whole again: a function, or a program that reads stdin and writes stdout.
PACKED = {b"\xfd7zXZ": lzma.decompress, b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\x28\xb5\x2f\xfd": "zstd", b"\x02\x21\x4c\x18": "lz4"}


def uncompressed(image):
    """The kernel inside a bzImage: started directly (PVH) it saves TCG from unpacking it, 3 s of every run. Fields: Linux, Documentation/arch/x86/boot.rst."""
    sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    payload = image[(sectors + 1) * 512 + offset :][:length]
    if payload.startswith(b"\x7fELF"):
        return payload
    unpack = next((how for magic, how in PACKED.items() if payload.startswith(magic)), None)
    if unpack is None:
        raise Missing(f"the kernel is compressed in a way not known here: {payload[:6].hex(' ')}")
    # The last four bytes are the kernel's size, not of the stream; gzip's own end with it.
    kernel = unpacked_with(unpack, payload if unpack is gzip.decompress else payload[:-4])
    if len(kernel) != int.from_bytes(payload[-4:], "little"):
        raise Missing("the kernel does not have the size that it says")
    return kernel


def unpacked_with(unpack, data):
    if callable(unpack):
        return unpack(data)
    if not shutil.which(unpack):
        raise Missing(f"{unpack} is not installed")
    return subprocess.run([unpack, "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout


def module(drivers, name):
    """A kernel module as it is loaded; Debian 13 keeps them compressed."""
    for suffix, unpack in (("", bytes), (".xz", lzma.decompress)):
        if (path := drivers / (name + suffix)).exists():
            return unpack(path.read_bytes())
    raise Missing(f"the kernel has no module {name}")


def initramfs(unpacked):
    archive = Archive()
    busybox = Path("/bin/busybox")
    for path in (busybox, *map(Path, UDEV), Path(RULES)):
        if not path.exists():
            raise Missing(f"{path} is not installed")
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    archive.link("bin/sh", "busybox")
    archive.file("init", (HERE / "init").read_bytes(), 0o755)
    for program in UDEV:
        archive.program(program, Path(program).resolve(), libraries_of(program))
    archive.file(RULES, Path(RULES).read_bytes())
    drivers = next((p for top in ("lib", "usr/lib") for p in unpacked.glob(f"{top}/modules/*/kernel/drivers/usb")), None)
    if drivers is None:
        raise Missing("the kernel's package has no USB drivers")
    for number, name in enumerate(MODULES):
        archive.file(f"modules/{number}-{Path(name).name}", module(drivers, name))
    for folder in ("dev", "proc", "sys", "run", "tmp", "root", "etc/udev/rules.d"):
        archive.folder(folder)
    archive.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\nuser:x:1000:\nplugdev:x:46:user\ntty:x:5:\ndialout:x:20:\nkmem:x:15:\ninput:x:101:\nvideo:x:44:\naudio:x:29:\nlp:x:7:\ndisk:x:6:\n"
                             b"cdrom:x:24:\ntape:x:26:\nrender:x:102:\nkvm:x:103:\nsgx:x:104:\n")
    return bytes(archive)


def make():
    if platform.machine() != "x86_64" or not shutil.which("apt-get"):
        raise Missing("the guest is made for Debian on x86-64")
    if not shutil.which("qemu-system-x86_64"):
        raise Missing("qemu-system-x86_64 is not installed")
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        unpacked = Path(folder)
        name = kernel_package(unpacked)
        kernel = uncompressed(next(unpacked.glob("boot/vmlinuz-*")).read_bytes())
        archive = gzip.compress(initramfs(unpacked), 6, mtime=0)
    (OUT / "vmlinux").write_bytes(kernel)
    (OUT / "initramfs.gz").write_bytes(archive)
    (OUT / "kernel").write_text(name + "\n")
    print(f"{name}: kernel {len(kernel) >> 20} MB, initramfs {len(archive) / 2**20:.1f} MB")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    missing = OUT / "missing"
    missing.unlink(missing_ok=True)
    try:
        make()
    except Missing as problem:
        missing.write_text(f"{problem}\n")
        print(f"no guest for the QEMU test: {problem}", file=sys.stderr)


if __name__ == "__main__":
    main()
