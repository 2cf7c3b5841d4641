// SPDX-License-Identifier: Apache-2.0
// From the layer registers to the two contexts. The processor writes a layer into the shadow and `go`; the array latches its copy when it is
// idle, post-processing when it has finished the layer before; then status.ready allows the next one. So the array is at most one layer
// ahead: layer N+1 cannot be in the shadow before post has taken layer N.
// A context is the image of the whole register file (word w at bits w*32); each engine uses its fields, synthesis drops the rest.
// start comes the cycle after a context was latched. rows_ready is what the array may read of the layer before: what post has stored of
// it as long as post works on it, everything after that. abort resets the units for a few cycles and forgets what was queued.
`default_nettype none

module layer_queue (
    input  wire logic         clk_i,
    input  wire logic         rst_i,

    // register bus: read data one cycle after the address, 0 for registers of others
    input  wire logic         reg_wr_i,
    input  wire logic [11:0]  reg_addr_i,
    input  wire logic [31:0]  reg_wdata_i,
    output logic      [31:0]  reg_rdata_o,
    input  wire logic [31:0]  time_i,

    // array context
    output logic              array_start_o,
    input  wire logic         array_done_i,
    output logic      [32*quell_regs_pkg::LAYER_WORDS-1:0] array_layer_o,
    output logic      [9:0]   rows_ready_o,

    // post context
    output logic              post_start_o,
    input  wire logic         post_done_i,
    output logic      [32*quell_regs_pkg::LAYER_WORDS-1:0] post_layer_o,
    output logic      [31:0]  seed_o,
    output logic      [31:0]  inference_o,
    input  wire logic [9:0]   rows_done_i,

    // reset of the units
    output logic              units_rst_o,
    output logic              array_busy_o,
    output logic              busy_o
);
  localparam int LAYER_WORDS = quell_regs_pkg::LAYER_WORDS;
  // cycles a reset of the units lasts: more than the latency of act_memory, whose answers must not reach a unit that began anew
  localparam int RESET_CYCLES = 8;

  logic go, abort;
  assign go    = reg_wr_i && reg_addr_i == quell_regs_pkg::CTRL && reg_wdata_i[quell_regs_pkg::CTRL_GO_LSB];
  assign abort = reg_wr_i && reg_addr_i == quell_regs_pkg::CTRL && reg_wdata_i[quell_regs_pkg::CTRL_ABORT_LSB];

  // ---- shadow -----------------------------------------------------------------------------------------------------------------------------
  logic [32*LAYER_WORDS-1:0] shadow_q;
  logic [31:0] seed_q, inference_q;
  logic [31:0] readback[32];  // a copy in LUT memory: cheaper to read than the registers
  logic layer_wr;
  assign layer_wr = reg_wr_i && reg_addr_i[11:7] == 5'h02;

  always_ff @(posedge clk_i) begin
    if (layer_wr) begin
      for (int i = 0; i < LAYER_WORDS; i++) if (reg_addr_i[6:2] == 5'(i)) shadow_q[32*i+:32] <= reg_wdata_i;
      readback[reg_addr_i[6:2]] <= reg_wdata_i;
    end
    if (reg_wr_i && reg_addr_i == quell_regs_pkg::SEED) seed_q <= reg_wdata_i;
    if (reg_wr_i && reg_addr_i == quell_regs_pkg::INFERENCE) inference_q <= reg_wdata_i;
  end

  // ---- contexts ---------------------------------------------------------------------------------------------------------------------------
  logic for_array_q, for_post_q;  // the shadow is still wanted by
  logic array_busy_q, post_busy_q, behind_q;
  logic array_take, post_take;
  logic [15:0] done_q;
  logic [3:0] reset_q;
  logic units_rst_q;  // reset_q is not 0: a flip-flop of its own, for it goes everywhere

  assign array_take = for_array_q && !array_busy_q && !units_rst_q;
  assign post_take  = for_post_q && !post_busy_q && (array_take || !for_array_q) && !units_rst_q;

  always_ff @(posedge clk_i) begin
    if (array_take) array_layer_o <= shadow_q;
    if (post_take) begin
      post_layer_o <= shadow_q;
      seed_o       <= seed_q;
      inference_o  <= inference_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i || abort) begin
      for_array_q   <= 1'b0;
      for_post_q    <= 1'b0;
      array_busy_q  <= 1'b0;
      post_busy_q   <= 1'b0;
      behind_q      <= 1'b0;
      array_start_o <= 1'b0;
      post_start_o  <= 1'b0;
      done_q        <= '0;
      reset_q       <= 4'(RESET_CYCLES);
      units_rst_q   <= 1'b1;
    end else begin
      array_start_o <= array_take;
      post_start_o  <= post_take;
      if (go && !for_array_q && !for_post_q) begin
        for_array_q <= 1'b1;
        for_post_q  <= 1'b1;
      end
      if (array_take) for_array_q <= 1'b0;
      if (post_take) for_post_q <= 1'b0;
      if (array_take) array_busy_q <= 1'b1;
      else if (array_done_i) array_busy_q <= 1'b0;
      if (post_take) post_busy_q <= 1'b1;
      else if (post_done_i) post_busy_q <= 1'b0;
      if (post_done_i) behind_q <= 1'b0;
      else if (array_take) behind_q <= post_busy_q;
      if (post_done_i) done_q <= done_q + 16'd1;
      if (reset_q != 4'd0) reset_q <= reset_q - 4'd1;
      if (reset_q <= 4'd1) units_rst_q <= 1'b0;
    end
  end

  assign rows_ready_o = behind_q ? rows_done_i : 10'h3FF;
  assign units_rst_o  = units_rst_q;
  assign array_busy_o = array_busy_q;
  assign busy_o       = for_array_q || for_post_q || array_busy_q || post_busy_q;

  // ---- time stamps, read back ---------------------------------------------------------------------------------------------------------------
  logic [31:0] start_q, end_q, status;
  assign status = {done_q, 13'd0, post_busy_q, array_busy_q, !for_array_q && !for_post_q && !units_rst_q};

  always_ff @(posedge clk_i) begin
    if (array_take && !post_busy_q) start_q <= time_i;
    if (post_done_i) end_q <= time_i;
    if (reg_addr_i[11:7] == 5'h02) reg_rdata_o <= readback[reg_addr_i[6:2]];
    else
      unique case (reg_addr_i)
        quell_regs_pkg::STATUS:     reg_rdata_o <= status;
        quell_regs_pkg::SEED:       reg_rdata_o <= seed_q;
        quell_regs_pkg::INFERENCE:  reg_rdata_o <= inference_q;
        quell_regs_pkg::TIME_START: reg_rdata_o <= start_q;
        quell_regs_pkg::TIME_END:   reg_rdata_o <= end_q;
        default:                    reg_rdata_o <= '0;
      endcase
  end
endmodule

`default_nettype wire
