#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verilator -Wall over the whole chip, the denoiser IP alone, the external memory's units and the board tops: any warning is an error. Waivers, with their reasons: hw/waivers.vlt.
set -eu
cpu=$(build/venv/bin/python -c 'import pythondata_cpu_picorv32 as p; print(p.data_location)')
for top in soc denoiser_ip memory_system ulx3s orangecrab; do
    ${VERILATOR:-verilator} --lint-only -Wall --default-language 1800-2017 -y build/gen -Ibuild/gen \
        -y hw/array -y hw/noise -y hw/denoiser -y hw/post -y hw/soc -y hw/usb -y hw/memory -y hw/boards -y sim/wires -y sim/sdram -y "$cpu" --top-module $top \
        $([ -f hw/waivers.vlt ] && echo hw/waivers.vlt) $(ls build/gen/*_pkg.sv) hw/*/$top.sv
    echo "ok   lint $top: no warning"
done
