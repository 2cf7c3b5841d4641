// SPDX-License-Identifier: Apache-2.0
// The chip's USB side: full-speed device on D+ and D-, and a byte stream each way in the system clock, plugged straight into soc (docs/usb.md).
//   D+/D- <-> usb_device (LUNA) -> bulk_out -> async_fifo -> rx
//                               <- bulk_in  <- async_fifo <- tx
// Contract: everything but the status lines runs in clk_usb_io_i (48 MHz) and, beyond the FIFOs, in clk_i (unrelated, 12 MHz or faster). rst_i and
// rst_usb_i may come from any clock, for at least 1 us; each resets the whole link, and the host sees an unplugging. Streams keep their data while stalled.
`default_nettype none

module usb_link (
    // system
    input  wire       clk_i,
    input  wire       rst_i,
    // 12 MHz: status lines and the delay of the pull-up; 48 MHz: all else of USB
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
    wire rst_sys, rst_io, rst_status;
    wire rst_any = rst_i | rst_usb_i;

    synchroniser #(.INIT(1'b1)) cross_rst_sys (.clk_i, .rst_i(1'b0), .async_i(rst_any), .sync_o(rst_sys));
    synchroniser #(.INIT(1'b1)) cross_rst_io (.clk_i(clk_usb_io_i), .rst_i(1'b0), .async_i(rst_any), .sync_o(rst_io));
    synchroniser #(.INIT(1'b1)) cross_rst_status (.clk_i(clk_usb_i), .rst_i(1'b0), .async_i(rst_any), .sync_o(rst_status));

    // ---- device -----------------------------------------------------------------------------------------------------------------------------
    wire restart, flush, attach, configured, suspended;
    wire packet, packet_end, out_token, in_token, rx_valid, rx_good, rx_answer, rx_toggle, host_ack, clear_out, clear_in;
    wire [7:0] rx_data;
    wire out_ack, out_nak, in_nak, send_valid, send_first, send_last, send_toggle, send_ready;
    wire [7:0] send_data;

    usb_device i_device (
        .clk_i       (clk_usb_io_i),
        .rst_i       (rst_io),
        .dp_i        (usb_dp_i),
        .dn_i        (usb_dn_i),
        .dp_o        (usb_dp_o),
        .dn_o        (usb_dn_o),
        .oe_o        (usb_oe_o),
        .pullup_o    (attach),
        .packet_o    (packet),
        .packet_end_o(packet_end),
        .restart_o   (restart),
        .flush_o     (flush),
        .configured_o(configured),
        .suspended_o (suspended),
        .out_token_o (out_token),
        .in_token_o  (in_token),
        .rx_valid_o  (rx_valid),
        .rx_data_o   (rx_data),
        .rx_good_o   (rx_good),
        .rx_answer_o (rx_answer),
        .rx_toggle_o (rx_toggle),
        .host_ack_o  (host_ack),
        .clear_out_o (clear_out),
        .clear_in_o  (clear_in),
        .ack_i       (out_ack),
        .nak_i       (out_nak | in_nak),
        .tx_valid_i  (send_valid),
        .tx_first_i  (send_first),
        .tx_last_i   (send_last),
        .tx_data_i   (send_data),
        .tx_toggle_i (send_toggle),
        .tx_ready_o  (send_ready)
    );

    // The pull-up stays off for 2^16 clocks (5 ms) after a reset: long enough for a hub to see an unplugging.
    logic [16:0] attach_q = '0;
    always_ff @(posedge clk_usb_i) begin
        if (rst_status) attach_q <= '0;
        else if (!attach_q[16]) attach_q <= attach_q + 1'b1;
    end
    assign usb_pullup_o = attach & attach_q[16];

    synchroniser #(.WIDTH(2)) cross_status (
        .clk_i(clk_usb_i), .rst_i(rst_status), .async_i({configured, suspended}), .sync_o({configured_o, suspended_o}));

    // ---- endpoints --------------------------------------------------------------------------------------------------------------------------
    wire hold_usb, hold_sys;
    wire out_valid, out_ready, in_valid, in_ready;
    wire [7:0] out_data, in_data;

    bulk_out i_bulk_out (
        .clk_i       (clk_usb_io_i),
        .rst_i       (rst_io),
        .restart_i   (restart),
        .clear_i     (clear_out),
        .hold_i      (hold_usb),
        .out_token_i (out_token),
        .packet_i    (packet),
        .packet_end_i(packet_end),
        .rx_valid_i  (rx_valid),
        .rx_data_i   (rx_data),
        .rx_good_i   (rx_good),
        .rx_toggle_i (rx_toggle),
        .rx_answer_i (rx_answer),
        .ack_o       (out_ack),
        .nak_o       (out_nak),
        .out_valid_o (out_valid),
        .out_ready_i (out_ready),
        .out_data_o  (out_data)
    );

    bulk_in i_bulk_in (
        .clk_i       (clk_usb_io_i),
        .rst_i       (rst_io),
        .restart_i   (restart),
        .clear_i     (clear_in),
        .hold_i      (hold_usb),
        .in_token_i  (in_token),
        .packet_end_i(packet_end),
        .host_ack_i  (host_ack),
        .nak_o       (in_nak),
        .tx_valid_o  (send_valid),
        .tx_first_o  (send_first),
        .tx_last_o   (send_last),
        .tx_data_o   (send_data),
        .tx_toggle_o (send_toggle),
        .tx_ready_i  (send_ready),
        .in_valid_i  (in_valid),
        .in_ready_o  (in_ready),
        .in_data_i   (in_data)
    );

    // ---- crossings --------------------------------------------------------------------------------------------------------------------------
    fifo_flush i_flush (
        .a_clk_i  (clk_usb_io_i),
        .a_rst_i  (rst_io),
        .a_flush_i(flush | restart),
        .a_hold_o (hold_usb),
        .b_clk_i  (clk_i),
        .b_rst_i  (rst_sys),
        .b_hold_o (hold_sys)
    );

    async_fifo i_rx_fifo (
        .wr_clk_i  (clk_usb_io_i),
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
        .rd_clk_i  (clk_usb_io_i),
        .rd_hold_i (hold_usb),
        .rd_valid_o(in_valid),
        .rd_ready_i(in_ready),
        .rd_data_o (in_data)
    );
endmodule

`default_nettype wire
