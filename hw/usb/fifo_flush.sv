// SPDX-License-Identifier: Apache-2.0
// Empties asynchronous FIFOs between domains A and B (usb_link.sv): a four-phase handshake that holds both sides at the same time before either goes on.
//   A stops (a_hold) and asks; B stops (b_hold) and agrees; A takes its request back; B goes on and takes its agreement back; A goes on.
// Contract: within ten clocks of the slower domain after a_flush_i both sides have been held together for at least one clock of each, and are free again.
// A is in hold from first to last, so a flush asked for meanwhile has nothing more to drop. The resets of both domains come together (usb_link.sv) and
// count as a flush.
`default_nettype none

module fifo_flush (
    input  wire  a_clk_i,
    input  wire  a_rst_i,
    input  wire  a_flush_i,  // one clock or longer
    output logic a_hold_o,
    input  wire  b_clk_i,
    input  wire  b_rst_i,
    output logic b_hold_o
);
    logic a_request_q = 1'b1, a_hold_q = 1'b1;
    logic b_agree_q = 1'b1;
    wire request_at_b, agree_at_a;

    assign a_hold_o = a_hold_q;
    assign b_hold_o = b_agree_q;

    always_ff @(posedge a_clk_i) begin
        if (a_rst_i | (a_flush_i & !a_hold_q)) begin
            a_request_q <= 1'b1;
            a_hold_q    <= 1'b1;
        end else if (a_request_q) a_request_q <= !agree_at_a;
        else a_hold_q <= agree_at_a;
    end

    // b_agree_q leads the FIFOs' own registers by one clock, and A sees it two clocks later still.
    always_ff @(posedge b_clk_i) begin
        if (b_rst_i) b_agree_q <= 1'b1;
        else b_agree_q <= request_at_b;
    end

    synchroniser #(.INIT(1'b1)) cross_request (.clk_i(b_clk_i), .rst_i(b_rst_i), .async_i(a_request_q), .sync_o(request_at_b));
    synchroniser #(.INIT(1'b1)) cross_agree (.clk_i(a_clk_i), .rst_i(a_rst_i), .async_i(b_agree_q), .sync_o(agree_at_a));
endmodule

`default_nettype wire
