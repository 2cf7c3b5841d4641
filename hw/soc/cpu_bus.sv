// SPDX-License-Identifier: Apache-2.0
// The processor's memory interface, decoded by the top four address bits (map: docs/architecture.md). A write takes 2 clocks, a read 3,
// where nothing makes it wait: the message buffer while the DMA is at it, the activation memory while array or store are.
// Every read source is registered; one multiplexer lies between those registers and the processor.
`default_nettype none

module cpu_bus (
    input  wire logic        clk_i,
    input  wire logic        rst_i,

    // PicoRV32's native interface
    input  wire logic        mem_valid_i,
    output logic             mem_ready_o,
    input  wire logic [31:0] mem_addr_i,
    input  wire logic [31:0] mem_wdata_i,
    input  wire logic [3:0]  mem_wstrb_i,
    output logic      [31:0] mem_rdata_o,

    // RAM: read data two cycles after en
    output logic             ram_en_o,
    input  wire logic [31:0] ram_rdata_i,

    // message buffer: read data two cycles after valid and ready
    output logic             msg_valid_o,
    input  wire logic        msg_ready_i,
    input  wire logic [31:0] msg_rdata_i,

    // registers: read data one cycle after the address
    output logic             reg_wr_o,
    input  wire logic [31:0] reg_rdata_i,

    // activation memory
    output logic             act_req_valid_o,
    input  wire logic        act_req_ready_i,
    output logic      [15:0] act_addr_o,
    input  wire logic        act_rsp_valid_i,
    input  wire logic [63:0] act_rsp_data_i,
    output logic             act_wr_valid_o,
    input  wire logic        act_wr_ready_i,
    output logic      [63:0] act_wr_data_o,

    // write ports of weight, constant, denoiser pair, denoiser row, activation table memory: enables in this order
    output logic      [4:0]  wr_en_o,
    output logic      [15:0] wr_index_o,
    output logic      [5:0]  wr_lane_o,
    output logic      [31:0] wr_data_o
);
  localparam logic [3:0] RAM = 4'h0, MESSAGE = 4'h1, REGISTERS = 4'h2, ACTIVATION = 4'h3, WEIGHT = 4'h4, CONSTANT = 4'h5, DN_PAIR = 4'h6, DN_ROW = 4'h7, TABLE = 4'h8;

  logic [3:0] region;
  logic write, request, accept, alone, whole, busy_q, ready_q;
  logic [31:0] low_lane_q, act_q, reg_q;
  assign region  = mem_addr_i[31:28];
  assign write   = mem_wstrb_i != 4'd0;
  assign request = mem_valid_i && !busy_q && !ready_q;

  // A lane of activation memory is kept until its word is whole: only the second is a write of the memory. Bit 19: a word with upper lane 0 at once.
  assign alone = mem_addr_i[19];
  assign whole = mem_addr_i[2] || alone;
  assign ram_en_o        = request && region == RAM;
  assign msg_valid_o     = request && region == MESSAGE;
  assign reg_wr_o        = request && region == REGISTERS && write;
  assign act_req_valid_o = request && region == ACTIVATION && !write;
  assign act_wr_valid_o  = request && region == ACTIVATION && write && whole;
  assign act_addr_o      = mem_addr_i[18:3];
  assign act_wr_data_o   = alone ? {32'd0, mem_wdata_i} : {mem_wdata_i, low_lane_q};

  always_comb begin
    unique case (region)
      MESSAGE:    accept = request && msg_ready_i;
      ACTIVATION: accept = request && (!write ? act_req_ready_i : !whole || act_wr_ready_i);
      default:    accept = request;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      busy_q   <= 1'b0;
      ready_q  <= 1'b0;
      wr_en_o  <= '0;
    end else begin
      ready_q  <= 1'b0;
      if (accept) begin
        busy_q   <= !write;
        ready_q  <= write;
      end
      if (busy_q && (region == ACTIVATION ? act_rsp_valid_i : 1'b1)) begin
        busy_q  <= 1'b0;
        ready_q <= 1'b1;
      end
      wr_en_o <= {5{request && write}} & {region == TABLE, region == DN_ROW, region == DN_PAIR, region == CONSTANT, region == WEIGHT};
    end
  end
  wire unused = &{1'b0, mem_addr_i};

  always_ff @(posedge clk_i) begin
    if (act_rsp_valid_i) act_q <= mem_addr_i[2] ? act_rsp_data_i[63:32] : act_rsp_data_i[31:0];
    if (request && region == ACTIVATION && write && !whole) low_lane_q <= mem_wdata_i;
    reg_q <= reg_rdata_i;
    wr_data_o <= mem_wdata_i;
    unique case (region)
      WEIGHT, TABLE: {wr_index_o, wr_lane_o} <= {mem_addr_i[23:8], mem_addr_i[7:2]};
      CONSTANT: {wr_index_o, wr_lane_o} <= {mem_addr_i[21:6], 2'd0, mem_addr_i[5:2]};
      default:  {wr_index_o, wr_lane_o} <= {mem_addr_i[22:7], 1'd0, mem_addr_i[6:2]};
    endcase
  end

  assign mem_ready_o = ready_q;
  always_comb begin
    unique case (region)
      RAM:        mem_rdata_o = ram_rdata_i;
      MESSAGE:    mem_rdata_o = msg_rdata_i;
      ACTIVATION: mem_rdata_o = act_q;
      default:    mem_rdata_o = reg_q;
    endcase
  end
endmodule

`default_nettype wire
