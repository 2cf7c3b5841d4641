// SPDX-License-Identifier: Apache-2.0
// CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320) of a byte stream, a byte a clock: eight XOR steps that synthesis flattens.
// The state is not inverted here: load all ones first and invert at the end, as zlib's crc32 does inside. Loading wins over adding.
`default_nettype none

module crc32 (
    input  wire logic        clk_i,

    input  wire logic        load_i,
    input  wire logic [31:0] value_i,
    input  wire logic        add_i,
    input  wire logic [7:0]  byte_i,
    output logic      [31:0] state_o
);
  function automatic [31:0] next(input [31:0] state, input [7:0] data);
    next = state ^ {24'd0, data};
    for (int i = 0; i < 8; i++) next = {1'b0, next[31:1]} ^ (next[0] ? 32'hEDB88320 : 32'd0);
  endfunction

  always_ff @(posedge clk_i) begin
    if (add_i) state_o <= next(state_o, byte_i);
    if (load_i) state_o <= value_i;
  end
endmodule

`default_nettype wire
