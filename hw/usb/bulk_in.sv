// SPDX-License-Identifier: Apache-2.0
// Bulk IN endpoint: a byte stream becomes packets for the host (usb_link.sv). SLOTS packets are kept, so the next ones fill while one is sent, and each
// stays until the host has acknowledged it.
// Contract: a packet is closed when it is full, or when no byte has come for IDLE clocks; a full packet after which no byte comes is followed by an empty
// one, so that the host's transfer ends. Answers an IN token with a packet or NAK. Sent again until the next packet of the host is an ACK.
// hold drops all bytes; but a packet that was sent and not acknowledged becomes an empty one with the same toggle, since the host may have got it.
`default_nettype none

module bulk_in #(
    // Largest packet in bytes; a power of two, 8...64.
    parameter int PACKET     = 64,
    // log2 of the packets kept; 1 or more. One block RAM up to 2048 bytes.
    parameter int SLOTS_LOG2 = 5,
    // Clocks without a byte that close a packet; 5 us at 48 MHz.
    parameter int IDLE       = 240
) (
    input  wire        clk_i,
    input  wire        rst_i,
    // strobe: toggle to DATA0, forget everything
    input  wire        restart_i,
    // strobe: toggle to DATA0
    input  wire        clear_i,
    // level: forget all bytes, take none
    input  wire        hold_i,

    // from and to usb_device
    input  wire        in_token_i,    // an IN token for this endpoint has come and may be answered now
    input  wire        packet_end_i,  // any packet of the host has ended
    input  wire        host_ack_i,    // one clock after packet_end_i: it was an ACK
    output logic       nak_o,
    output logic       tx_valid_o,
    output logic       tx_first_o,
    output logic       tx_last_o,
    output logic [7:0] tx_data_o,
    output logic       tx_toggle_o,
    input  wire        tx_ready_i,

    // bytes from the chip
    input  wire        in_valid_i,
    output logic       in_ready_o,
    input  wire  [7:0] in_data_i
);
    localparam int PW = $clog2(PACKET);
    localparam int SW = SLOTS_LOG2;
    localparam int SLOTS = 2 ** SW;
    localparam int IW = $clog2(IDLE + 1);

    // WAIT for a token; SEND; EMPTY: send a packet without bytes; SENT: wait for the end of the host's next packet; CHECK: was it an ACK?
    localparam logic [2:0] WAIT = 3'd0, SEND = 3'd1, EMPTY = 3'd2, SENT = 3'd3, CHECK = 3'd4;

    (* no_rw_check *)
    logic [7:0] memory[SLOTS*PACKET];
    logic [PW:0] length_q[SLOTS];
    logic [SW:0] fill_q, send_q;  // slots; one bit more than an index
    logic [PW:0] count_q;         // bytes in the slot that fills
    logic [IW-1:0] idle_q;
    logic full_before_q;          // the last packet closed was a full one
    logic [2:0] state_q;
    logic [PW-1:0] position_q;
    logic first_q, unsure_q;      // unsure: the first packet was sent, and no ACK came
    logic toggle_q;

    // ---- filling ----
    wire slot_free = (fill_q ^ send_q) != {1'b1, {SW{1'b0}}};
    wire accept = in_valid_i & in_ready_o;
    wire filled = accept & count_q == (PW + 1)'(PACKET - 1);
    wire expired = idle_q == IW'(IDLE);
    wire close = filled | (expired & slot_free & !accept & (count_q != 0 | full_before_q));

    assign in_ready_o = slot_free & !hold_i;

    always_ff @(posedge clk_i) begin
        if (accept) memory[{fill_q[SW-1:0], count_q[PW-1:0]}] <= in_data_i;
    end

    always_ff @(posedge clk_i) begin
        if (rst_i | restart_i | hold_i) begin
            count_q <= '0;
            idle_q <= '0;
            full_before_q <= 1'b0;
        end else begin
            if (close) count_q <= '0;
            else if (accept) count_q <= count_q + 1'b1;
            if (accept | in_valid_i) idle_q <= '0;
            else if (!expired) idle_q <= idle_q + 1'b1;
            if (close) full_before_q <= filled;
        end
    end

    // ---- slots ----
    wire waiting = fill_q != send_q;
    wire [PW:0] length = length_q[send_q[SW-1:0]];
    wire acknowledged = state_q == CHECK & host_ack_i;

    always_ff @(posedge clk_i) begin
        if (rst_i | restart_i) begin
            fill_q <= '0;
            send_q <= '0;
        end else begin
            if (acknowledged) send_q <= send_q + 1'b1;
            // with hold and acknowledged together nothing is left
            if (hold_i) fill_q <= (unsure_q | acknowledged) ? send_q + 1'b1 : send_q;
            else if (close) fill_q <= fill_q + 1'b1;
        end
    end

    always_ff @(posedge clk_i) begin
        if (hold_i) length_q[send_q[SW-1:0]] <= '0;
        else if (close) length_q[fill_q[SW-1:0]] <= count_q + (PW + 1)'(filled);
    end

    // ---- sending ----
    wire start = state_q == WAIT & in_token_i & waiting;
    wire advance = tx_ready_i & state_q == SEND;
    wire [PW-1:0] position_next = position_q + PW'(advance);

    assign nak_o = state_q == WAIT & in_token_i & !waiting;
    assign tx_valid_o = state_q == SEND | state_q == EMPTY;
    assign tx_first_o = state_q == SEND & first_q;
    assign tx_last_o = state_q == EMPTY | (state_q == SEND & (PW + 1)'(position_q) + 1'b1 == length);
    assign tx_toggle_o = toggle_q;

    always_ff @(posedge clk_i) begin
        tx_data_o <= memory[{send_q[SW-1:0], position_next}];
        position_q <= state_q == SEND ? position_next : '0;
    end

    always_ff @(posedge clk_i) begin
        if (rst_i | restart_i) begin
            state_q <= WAIT;
            first_q <= 1'b1;
            unsure_q <= 1'b0;
            toggle_q <= 1'b0;
        end else begin
            case (state_q)
                WAIT: if (start) state_q <= length == '0 ? EMPTY : SEND;
                SEND: if (tx_ready_i & tx_last_o) state_q <= SENT;
                EMPTY: state_q <= SENT;
                SENT: if (packet_end_i) state_q <= CHECK;
                default: state_q <= WAIT;
            endcase
            first_q <= !advance & (first_q | state_q == WAIT);

            if (acknowledged) unsure_q <= 1'b0;
            else if (start) unsure_q <= 1'b1;

            if (clear_i) toggle_q <= 1'b0;
            else if (acknowledged) toggle_q <= !toggle_q;
        end
    end
endmodule

`default_nettype wire
