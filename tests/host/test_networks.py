# SPDX-License-Identifier: Apache-2.0
"""Networks in published shapes with random weights: onnxruntime's codes layer by layer, and where the chip's memories hold one, the chip's bytes."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import forms  # noqa: E402
import networks  # noqa: E402
import test_chip_models  # noqa: E402


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_layers_are_onnxruntimes(name, tmp_path):
    """A code is open where the exact value lies nearer to a tie than the error of float32's sum: some hundred terms of up to 128 codes, an error of 1e-5 codes where roundings cancel, which
    is one code in 50 000 at 147 terms (measured). The limit is five times that."""
    make, images = networks.NETWORKS[name]
    net, output = make()
    result = forms.compare(net, output, tmp_path, layers=True, images=images)
    assert result.code == 0, result.message
    assert result.layers and all(different <= 1e-4 * codes + 1 and largest <= 1 for _, codes, different, largest in result.layers), result.layers


@pytest.mark.parametrize("name", networks.ON_THE_CHIP)
def test_same_bytes_on_the_chip(name, tmp_path):
    net, output = networks.NETWORKS[name][0]()
    test_chip_models.compare(name, net.model(output), net.shape, tmp_path)
