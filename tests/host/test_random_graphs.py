# SPDX-License-Identifier: Apache-2.0
"""A short run of random_graphs.py: other networks every day, the seed is printed by what fails."""
import datetime
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import random_graphs  # noqa: E402

COUNT = 60


def test_random_graphs():
    lines = []
    seed = 1000 * datetime.date.today().toordinal()
    figures = random_graphs.try_all(COUNT, seed, show=lines.append)
    assert not lines and figures["random_graphs_layers"] > COUNT, "\n".join(lines)
