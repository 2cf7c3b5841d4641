// SPDX-License-Identifier: Apache-2.0
// The chip's USB side: full-speed device on D+ and D-, and a byte stream each way in the system clock, plugged straight into soc (docs/usb.md).
//   D+/D- <-> usb_device (LUNA, 48 and 12 MHz) <-> async_fifo (clk_usb / clk_i) <-> rx, tx
// Contract: clk_usb_i and clk_usb_io_i come from one PLL, edges aligned; clk_i is unrelated, 24 MHz or faster. rst_i and rst_usb_i may come from any clock,
// for at least 1 us; each of them resets the whole link, and the host sees an unplugging. Streams keep their data while stalled.
`default_nettype none

module usb_link (
    // system
    input  wire       clk_i,
    input  wire       rst_i,
    // USB: 12 MHz, 48 MHz
    input  wire       clk_usb_i,
    input  wire       clk_usb_io_i,
    input  wire       rst_usb_i,

    // wires: to an I/O buffer for each of D+ and D-, driven while oe; pullup: 1.5 kOhm from D+ to 3.3 V
    input  wire       usb_dp_i,
    input  wire       usb_dn_i,
    output wire       usb_dp_o,
    output wire       usb_dn_o,
    output wire       usb_oe_o,
    output wire       usb_pullup_o,

    // bytes from the host
    output wire       rx_valid_o,
    input  wire       rx_ready_i,
    output wire [7:0] rx_data_o,
    // bytes to the host
    input  wire       tx_valid_i,
    output wire       tx_ready_o,
    input  wire [7:0] tx_data_i,

    // for LEDs, in the 12 MHz domain
    output wire       configured_o,
    output wire       suspended_o
);
    // ---- resets -----------------------------------------------------------------------------------------------------------------------------
    wire rst_sys, rst_usb, rst_usb_io;
    wire rst_any = rst_i | rst_usb_i;

    synchroniser #(.INIT(1'b1)) cross_rst_sys (.clk_i, .rst_i(1'b0), .async_i(rst_any), .sync_o(rst_sys));
    synchroniser #(.INIT(1'b1)) cross_rst_usb (.clk_i(clk_usb_i), .rst_i(1'b0), .async_i(rst_any), .sync_o(rst_usb));
    synchroniser #(.INIT(1'b1)) cross_rst_usb_io (.clk_i(clk_usb_io_i), .rst_i(1'b0), .async_i(rst_any), .sync_o(rst_usb_io));

    // The pull-up stays off for 2^16 clocks (5 ms) after a reset: long enough for a hub to see an unplugging.
    logic [16:0] attach_q = '0;
    always_ff @(posedge clk_usb_i) begin
        if (rst_usb) attach_q <= '0;
        else if (!attach_q[16]) attach_q <= attach_q + 1'b1;
    end
    wire attach;
    assign usb_pullup_o = attach & attach_q[16];

    // ---- device -----------------------------------------------------------------------------------------------------------------------------
    wire out_valid, out_ready, in_valid, in_ready, flush;
    wire [7:0] out_data, in_data;

    usb_device i_device (
        .usb_clk     (clk_usb_i),
        .usb_rst     (rst_usb),
        .usb_io_clk  (clk_usb_io_i),
        .usb_io_rst  (rst_usb_io),
        .dp_i        (usb_dp_i),
        .dn_i        (usb_dn_i),
        .dp_o        (usb_dp_o),
        .dn_o        (usb_dn_o),
        .oe_o        (usb_oe_o),
        .pullup_o    (attach),
        .out_valid_o (out_valid),
        .out_ready_i (out_ready),
        .out_data_o  (out_data),
        .in_valid_i  (in_valid),
        .in_ready_o  (in_ready),
        .in_data_i   (in_data),
        .flush_o     (flush),
        .configured_o,
        .suspended_o
    );

    // ---- crossings --------------------------------------------------------------------------------------------------------------------------
    wire hold_usb, hold_sys;

    fifo_flush i_flush (
        .a_clk_i  (clk_usb_i),
        .a_rst_i  (rst_usb),
        .a_flush_i(flush),
        .a_hold_o (hold_usb),
        .b_clk_i  (clk_i),
        .b_rst_i  (rst_sys),
        .b_hold_o (hold_sys)
    );

    async_fifo i_rx_fifo (
        .wr_clk_i  (clk_usb_i),
        .wr_hold_i (hold_usb),
        .wr_valid_i(out_valid),
        .wr_ready_o(out_ready),
        .wr_data_i (out_data),
        .rd_clk_i  (clk_i),
        .rd_hold_i (hold_sys),
        .rd_valid_o(rx_valid_o),
        .rd_ready_i(rx_ready_i),
        .rd_data_o (rx_data_o)
    );

    async_fifo i_tx_fifo (
        .wr_clk_i  (clk_i),
        .wr_hold_i (hold_sys),
        .wr_valid_i(tx_valid_i),
        .wr_ready_o(tx_ready_o),
        .wr_data_i (tx_data_i),
        .rd_clk_i  (clk_usb_i),
        .rd_hold_i (hold_usb),
        .rd_valid_o(in_valid),
        .rd_ready_i(in_ready),
        .rd_data_o (in_data)
    );
endmodule

`default_nettype wire
