# SPDX-License-Identifier: Apache-2.0
"""The image through the netlist of the whole chip takes half an hour: its committed result must be that of today's sources."""
import json

from tests.netlist import soc_image


def test_result_is_of_these_sources():
    result = json.loads(soc_image.RESULT.read_text())
    assert result["input_hash"] == soc_image.input_hash(), "hardware or firmware has changed since docs/netlist.json: make netlist-soc"


def test_every_byte_is_equal():
    result = json.loads(soc_image.RESULT.read_text())
    assert result["bytes_different"] == 0 and result["bytes_compared"] > 50_000 and result["images"] == 1
