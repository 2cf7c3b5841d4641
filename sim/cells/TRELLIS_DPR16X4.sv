// SPDX-License-Identifier: Apache-2.0
// Distributed memory of the ECP5, 16 words of 4 bits: writes with the clock, reads without.
// Refused: inverted clock, constant or inverted write enable.
`default_nettype none

module TRELLIS_DPR16X4 #(
    parameter logic [63:0] INITVAL = 64'd0,
    parameter              WCKMUX = "WCK",
    parameter              WREMUX = "WRE"
) (
    input  wire [3:0] DI,
    input  wire [3:0] WAD,
    input  wire       WRE,
    input  wire       WCK,
    input  wire [3:0] RAD,
    output wire [3:0] DO
);
  if (WCKMUX != "WCK" || WREMUX != "WRE") begin : g_illegal
    $fatal(1, "TRELLIS_DPR16X4: inverted clock or constant enable is not modelled");
  end

  reg [3:0] memory[16];
  initial for (int i = 0; i < 16; i++) memory[i] = INITVAL[4*i+:4];
  always @(posedge WCK) if (WRE) memory[WAD] <= DI;
  assign DO = memory[RAD];
endmodule

`default_nettype wire
