"""Files that several workers make together: each is written whole or not at all, and made by one worker while others wait."""
import contextlib
import fcntl
import json

import torch


@contextlib.contextmanager
def claimed(path, wait=True):
    """Hold `path`.lock while making `path`; gives False if another worker holds it and `wait` is off. A worker that dies lets go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(path.name + ".lock"), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def taken(path):
    with claimed(path, wait=False) as free:
        return not free


def whole(path, write):
    """write(scratch path), then put it in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".part")
    write(scratch)
    scratch.replace(path)


def write_json(path, content):
    whole(path, lambda scratch: scratch.write_text(json.dumps(content, indent=1) + "\n"))


def kept(path, make):
    """The object stored in `path`; made and stored first if it is not there."""
    if not path.exists():
        with claimed(path):
            if not path.exists():
                made = make()
                whole(path, lambda scratch: torch.save(made, scratch))
    return torch.load(path, weights_only=False)


def described(path, make):
    """The facts in the JSON file `path`, which stands beside a file that `make` makes before it returns them."""
    if not path.exists():
        with claimed(path):
            if not path.exists():
                write_json(path, make())
    return json.loads(path.read_text())
