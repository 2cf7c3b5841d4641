// SPDX-License-Identifier: Apache-2.0
// One step of CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320): combinational, eight XOR steps that synthesis flattens.
// The state is not inverted here: start with all ones and invert at the end, as zlib's crc32 does inside.
`default_nettype none

module crc32_byte (
    input  wire logic [31:0] state_i,
    input  wire logic [7:0]  byte_i,
    output logic      [31:0] state_o
);
  always_comb begin
    state_o = state_i ^ {24'd0, byte_i};
    for (int i = 0; i < 8; i++) state_o = {1'b0, state_o[31:1]} ^ (state_o[0] ? 32'hEDB88320 : 32'd0);
  end
endmodule

`default_nettype wire
