# SPDX-License-Identifier: Apache-2.0
"""A short run of random_graphs.py, always the same networks, so that a failure is the change's; `python tests/host/random_graphs.py --seed S` tries others, `make bench` a thousand."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import random_graphs  # noqa: E402

COUNT, SEED = 60, 1


def test_random_graphs():
    lines = []
    figures = random_graphs.try_all(COUNT, SEED, show=lines.append)
    assert not lines and figures["random_graphs_layers"] > COUNT, "\n".join(lines)
