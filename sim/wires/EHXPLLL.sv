// SPDX-License-Identifier: Apache-2.0
// Stand-in for the ECP5's PLL: board.cpp drives the outputs and reads their frequency, as a ratio to CLKI, from the parameters.
// Only the feedback path of Quell's boards is known: CLKOP.
`default_nettype none

module EHXPLLL #(
    parameter int CLKI_DIV      = 1,
    parameter int CLKFB_DIV     = 1,
    parameter     FEEDBK_PATH   = "CLKOP",
    parameter     CLKOP_ENABLE  = "ENABLED",
    parameter     CLKOS_ENABLE  = "DISABLED",
    parameter     CLKOS2_ENABLE = "DISABLED",
    parameter     CLKOS3_ENABLE = "DISABLED",
    parameter int CLKOP_DIV     = 1,
    parameter int CLKOS_DIV     = 1,
    parameter int CLKOS2_DIV    = 1,
    parameter int CLKOS3_DIV    = 1,
    parameter int CLKOP_CPHASE  = 0,
    parameter int CLKOS_CPHASE  = 0,
    parameter int CLKOS2_CPHASE = 0,
    parameter int CLKOS3_CPHASE = 0,
    parameter int CLKOS2_FPHASE = 0
) (
    input  wire  RST,
    input  wire  STDBY,
    input  wire  CLKI,
    input  wire  CLKFB,
    output logic CLKOP,
    output logic CLKOS,
    output logic CLKOS2,
    output logic CLKOS3,
    output logic CLKINTFB,
    input  wire  PHASESEL0,
    input  wire  PHASESEL1,
    input  wire  PHASEDIR,
    input  wire  PHASESTEP,
    input  wire  PHASELOADREG,
    input  wire  PLLWAKESYNC,
    input  wire  ENCLKOP,
    output logic LOCK
);
  if (FEEDBK_PATH != "CLKOP") begin : g_illegal
    initial $fatal(1, "EHXPLLL stand-in: feedback path %s", FEEDBK_PATH);
  end

  logic op  /*verilator public_flat_rw*/ = 1'b0;
  logic os  /*verilator public_flat_rw*/ = 1'b0;
  logic os2  /*verilator public_flat_rw*/ = 1'b0;
  logic os3  /*verilator public_flat_rw*/ = 1'b0;
  logic lock  /*verilator public_flat_rw*/ = 1'b0;
  // VCO / CLKI, and what the outputs divide it by.
  logic [31:0] vco_multiplier  /*verilator public_flat_rw*/ = CLKFB_DIV * CLKOP_DIV;
  logic [31:0] vco_divider  /*verilator public_flat_rw*/ = CLKI_DIV;
  logic [31:0] op_divider  /*verilator public_flat_rw*/ = CLKOP_DIV;
  logic [31:0] os_divider  /*verilator public_flat_rw*/ = CLKOS_DIV;
  logic [31:0] os2_divider  /*verilator public_flat_rw*/ = CLKOS2_DIV;
  assign CLKOP = op;
  assign CLKOS = os;
  assign CLKOS2 = os2;
  assign CLKOS3 = os3;
  assign CLKINTFB = 1'b0;
  assign LOCK = lock;
endmodule

`default_nettype wire
