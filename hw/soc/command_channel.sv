// SPDX-License-Identifier: Apache-2.0
// The two byte streams of the command channel and their DMA into and out of the message buffer.
// Receiving: while rx_count is not 0 a byte a clock is accepted, stored at rx_addr (which advances) and added to rx_crc.
// Sending: while tx_count is not 0 bytes from tx_addr on are offered, 4 in about 8 clocks.
// Writing a count starts a transfer or, with 0, stops it; count, address and CRC read back as they stand.
`default_nettype none

module command_channel #(
    // message buffer, 32-bit words
    parameter int WORDS = 4096
) (
    input  wire logic        clk_i,
    input  wire logic        rst_i,

    // byte stream from the host
    input  wire logic        rx_valid_i,
    output logic             rx_ready_o,
    input  wire logic [7:0]  rx_data_i,

    // byte stream to the host
    output logic             tx_valid_o,
    input  wire logic        tx_ready_i,
    output logic      [7:0]  tx_data_o,

    // register bus: read data one cycle after the address, 0 for registers of others
    input  wire logic        reg_wr_i,
    input  wire logic [11:0] reg_addr_i,
    input  wire logic [31:0] reg_wdata_i,
    output logic      [31:0] reg_rdata_o,

    // processor side of the message buffer
    input  wire logic        cpu_valid_i,
    output logic             cpu_ready_o,
    input  wire logic [3:0]  cpu_wstrb_i,
    input  wire logic [13:0] cpu_addr_i,
    input  wire logic [31:0] cpu_wdata_i,
    output logic      [31:0] cpu_rdata_o,

    // a transfer waits for bytes; a transfer sends
    output logic             rx_armed_o,
    output logic             tx_busy_o
);
  // ---- receive: the byte is registered, then stored and added to the CRC ------------------------------------------------------------------
  logic [15:0] rx_count_q, rx_addr_q;
  logic [31:0] rx_crc;
  logic rx_armed_q, byte_valid_q;
  logic [7:0] byte_q;
  logic rx_take;

  assign rx_ready_o = rx_armed_q;
  assign rx_armed_o = rx_armed_q;
  assign rx_take    = rx_valid_i && rx_armed_q;

  crc32 i_crc (
      .clk_i  (clk_i),
      .load_i (reg_wr_i && reg_addr_i == quell_regs_pkg::RX_CRC),
      .value_i(reg_wdata_i),
      .add_i  (byte_valid_q),
      .byte_i (byte_q),
      .state_o(rx_crc)
  );

  always_ff @(posedge clk_i) begin
    byte_q <= rx_data_i;
    if (rx_take) rx_count_q <= rx_count_q - 16'd1;
    if (byte_valid_q) rx_addr_q <= rx_addr_q + 16'd1;
    if (reg_wr_i && reg_addr_i == quell_regs_pkg::RX_COUNT) rx_count_q <= reg_wdata_i[15:0];
    if (reg_wr_i && reg_addr_i == quell_regs_pkg::RX_ADDR) rx_addr_q <= reg_wdata_i[15:0];
    if (rst_i) begin
      rx_count_q   <= '0;
      rx_armed_q   <= 1'b0;
      byte_valid_q <= 1'b0;
    end else begin
      byte_valid_q <= rx_take;
      if (rx_take && rx_count_q == 16'd1) rx_armed_q <= 1'b0;
      if (reg_wr_i && reg_addr_i == quell_regs_pkg::RX_COUNT) rx_armed_q <= reg_wdata_i[15:0] != 16'd0;
    end
  end

  // ---- send: fetch a word, offer its bytes ----------------------------------------------------------------------------------------------
  logic [15:0] tx_count_q, tx_addr_q;
  logic [31:0] word_q;
  logic fetch_q, wait_q, load_q, tx_valid_q;
  logic [31:0] rdata;

  assign tx_valid_o = tx_valid_q;
  assign tx_data_o  = word_q[7:0];
  assign tx_busy_o  = fetch_q || wait_q || load_q || tx_valid_q;

  always_ff @(posedge clk_i) begin
    if (load_q) word_q <= rdata >> {tx_addr_q[1:0], 3'd0};
    else if (tx_valid_q && tx_ready_i) word_q <= {8'd0, word_q[31:8]};
    if (tx_valid_q && tx_ready_i) begin
      tx_count_q <= tx_count_q - 16'd1;
      tx_addr_q  <= tx_addr_q + 16'd1;
    end
    if (reg_wr_i && reg_addr_i == quell_regs_pkg::TX_COUNT) tx_count_q <= reg_wdata_i[15:0];
    if (reg_wr_i && reg_addr_i == quell_regs_pkg::TX_ADDR) tx_addr_q <= reg_wdata_i[15:0];
    if (rst_i) begin
      tx_count_q <= '0;
      fetch_q    <= 1'b0;
      wait_q     <= 1'b0;
      load_q     <= 1'b0;
      tx_valid_q <= 1'b0;
    end else begin
      fetch_q <= 1'b0;
      wait_q  <= fetch_q;
      load_q  <= wait_q;
      if (load_q) tx_valid_q <= 1'b1;
      if (tx_valid_q && tx_ready_i && (tx_addr_q[1:0] == 2'd3 || tx_count_q == 16'd1)) begin
        tx_valid_q <= 1'b0;
        fetch_q    <= tx_count_q != 16'd1;
      end
      if (reg_wr_i && reg_addr_i == quell_regs_pkg::TX_COUNT) begin
        fetch_q    <= reg_wdata_i[15:0] != 16'd0;
        wait_q     <= 1'b0;
        load_q     <= 1'b0;
        tx_valid_q <= 1'b0;
      end
    end
  end

  message_buffer #(
      .WORDS(WORDS)
  ) i_buffer (
      .clk_i        (clk_i),
      .dma_wr_en_i  (byte_valid_q),
      .dma_wr_addr_i(rx_addr_q),
      .dma_wr_data_i(byte_q),
      .dma_rd_en_i  (fetch_q),
      .dma_rd_addr_i(tx_addr_q[15:2]),
      .cpu_valid_i  (cpu_valid_i),
      .cpu_ready_o  (cpu_ready_o),
      .cpu_wstrb_i  (cpu_wstrb_i),
      .cpu_addr_i   (cpu_addr_i),
      .cpu_wdata_i  (cpu_wdata_i),
      .rdata_o      (rdata)
  );
  assign cpu_rdata_o = rdata;

  always_ff @(posedge clk_i) begin
    unique case (reg_addr_i)
      quell_regs_pkg::RX_COUNT: reg_rdata_o <= {16'd0, rx_count_q};
      quell_regs_pkg::RX_ADDR:  reg_rdata_o <= {16'd0, rx_addr_q};
      quell_regs_pkg::RX_CRC:   reg_rdata_o <= rx_crc;
      quell_regs_pkg::TX_COUNT: reg_rdata_o <= {16'd0, tx_count_q};
      quell_regs_pkg::TX_ADDR:  reg_rdata_o <= {16'd0, tx_addr_q};
      default:                  reg_rdata_o <= '0;
    endcase
  end
endmodule

`default_nettype wire
