// SPDX-License-Identifier: Apache-2.0
// Bulk OUT endpoint: packets of the host become a byte stream (usb_link.sv). Bytes go into a ring as they come and count only when the packet was whole,
// the right one and within its size; so the next packet is taken while the chip still reads the last ones.
// Contract: only a data packet that directly follows an OUT token for this endpoint is looked at. ACK: taken, or the repetition of one taken before.
// NAK: no room for a full packet when the token came. No answer: damaged, longer than PACKET, or late. The stream keeps its data while stalled.
`default_nettype none

module bulk_out #(
    // Largest packet in bytes; 8...64.
    parameter int PACKET     = 64,
    // log2 of the ring's bytes; 2 * PACKET or more. One block RAM up to 11.
    parameter int DEPTH_LOG2 = 11,
    // Clocks from the token to the begin of its data, after which it has got lost; 24 bit times (USB 2.0, 8.7.2: 16 to 18 without SYNC).
    parameter int LATE       = 96
) (
    input  wire        clk_i,
    input  wire        rst_i,
    // strobe: toggle to DATA0, forget everything
    input  wire        restart_i,
    // strobe: toggle to DATA0
    input  wire        clear_i,
    // level: forget all bytes, take none
    input  wire        hold_i,

    // from usb_device
    input  wire        out_token_i,   // an OUT token for this endpoint has come
    input  wire        packet_i,      // level: any packet of the host is under way
    input  wire        packet_end_i,  // any packet of the host has ended
    input  wire        rx_valid_i,
    input  wire  [7:0] rx_data_i,
    input  wire        rx_good_i,     // one clock after packet_end_i: it was a data packet with the right CRC
    input  wire        rx_toggle_i,
    input  wire        rx_answer_i,   // and now it may be answered
    output logic       ack_o,
    output logic       nak_o,

    // bytes to the chip
    output logic       out_valid_o,
    input  wire        out_ready_i,
    output logic [7:0] out_data_o
);
    localparam int AW = DEPTH_LOG2;
    localparam int CW = $clog2(PACKET + 2);
    localparam int LW = $clog2(LATE + 1);

    initial if (2 ** AW < 2 * PACKET) $fatal(1, "bulk_out: the ring must hold two packets");

    // IDLE -token-> DATA -packet's end-> CHECK -good-> ANSWER -> IDLE
    localparam logic [1:0] IDLE = 2'd0, DATA = 2'd1, CHECK = 2'd2, ANSWER = 2'd3;

    (* no_rw_check *)
    logic [7:0] ring[2**AW];
    logic [AW:0] write_q, commit_q, read_q;  // one bit more than an address; bytes from commit_q to write_q may still turn out bad
    logic [CW-1:0] count_q;                  // bytes of this packet, PACKET + 1: too many
    logic [1:0] state_q;
    logic [LW-1:0] late_q;                   // clocks since the token, without a packet
    logic toggle_q, room_q;

    wire [AW:0] used = commit_q - read_q;
    wire room = used <= (AW + 1)'(2 ** AW - PACKET);
    wire fits = count_q <= CW'(PACKET);
    wire expected = rx_toggle_i == toggle_q;
    wire answer = state_q == ANSWER & rx_answer_i;
    wire take = answer & expected & room_q & !hold_i;

    assign ack_o = take | (answer & !expected);
    assign nak_o = answer & expected & !take;

    always_ff @(posedge clk_i) begin
        if (state_q == DATA & rx_valid_i & room_q & count_q < CW'(PACKET)) ring[write_q[AW-1:0]] <= rx_data_i;
    end

    always_ff @(posedge clk_i) begin
        if (rst_i | restart_i) begin
            state_q <= IDLE;
            toggle_q <= 1'b0;
        end else begin
            if (out_token_i) state_q <= DATA;
            else if (state_q == DATA & packet_end_i) state_q <= CHECK;
            else if (state_q == DATA & late_q == LW'(LATE)) state_q <= IDLE;
            else if (state_q == CHECK) state_q <= (rx_good_i & fits) ? ANSWER : IDLE;
            else if (answer) state_q <= IDLE;

            if (clear_i) toggle_q <= 1'b0;
            else if (take) toggle_q <= !toggle_q;
        end
    end

    always_ff @(posedge clk_i) begin
        if (out_token_i | packet_i) late_q <= '0;
        else if (late_q != LW'(LATE)) late_q <= late_q + 1'b1;
    end

    always_ff @(posedge clk_i) begin
        if (out_token_i) begin
            room_q  <= room & !hold_i;
            count_q <= '0;
        end else if (state_q == DATA & rx_valid_i & fits) count_q <= count_q + 1'b1;
    end

    always_ff @(posedge clk_i) begin
        if (rst_i | restart_i | hold_i) begin
            write_q  <= '0;
            commit_q <= '0;
        end else if (take) commit_q <= write_q;
        else if (out_token_i) write_q <= commit_q;
        else if (state_q == DATA & rx_valid_i & room_q & count_q < CW'(PACKET)) write_q <= write_q + 1'b1;
    end

    // ---- towards the chip: the block RAM's output register is the stream's ----
    wire pull = commit_q != read_q & (!out_valid_o | out_ready_i);

    always_ff @(posedge clk_i) begin
        if (pull) out_data_o <= ring[read_q[AW-1:0]];
    end

    always_ff @(posedge clk_i) begin
        if (rst_i | restart_i | hold_i) begin
            read_q <= '0;
            out_valid_o <= 1'b0;
        end else begin
            out_valid_o <= pull | (out_valid_o & !out_ready_i);
            if (pull) read_q <= read_q + 1'b1;
        end
    end
endmodule

`default_nettype wire
