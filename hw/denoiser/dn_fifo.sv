// SPDX-License-Identifier: Apache-2.0
//
// A small FIFO in LUT RAM for pipelines that cannot stall. Four pointers run round it, each never passing the one before:
// reserve (a result is under way, its place is kept), push (it has arrived), take (somebody counts on it), pop (it is gone).
// So a pipeline starts only what it has room for, and a consumer may decide in one stage and read in a later one.
// A user that needs no early reservation ties reserve_i to push_i; one that reads at once ties take_i to pop_i.
//
// reserve only with room_o, take only with avail_o; both are registers, noted one change ahead: what decides with them is far away. data_o is
// the word that pop removes next, combinational from registers.
`default_nettype none

module dn_fifo #(
    // Bits a word
    parameter int WIDTH = 16,
    // log2 of the depth, 1...5
    parameter int LOG2 = 2
) (
    input  wire              clk_i,
    input  wire              rst_i,

    input  wire              reserve_i,
    output logic             room_o,
    input  wire              push_i,
    input  wire  [WIDTH-1:0] data_i,

    input  wire              take_i,
    output logic             avail_o,
    input  wire              pop_i,
    output wire  [WIDTH-1:0] data_o,
    output wire              empty_o    // nothing inside, nothing reserved
);
    (* ram_style = "distributed" *) logic [WIDTH-1:0] memory [0:(1 << LOG2)-1];
    logic [LOG2:0] reserve_q, push_q, take_q, pop_q;

    wire [LOG2:0] full_at = {~pop_q[LOG2], pop_q[LOG2-1:0]};
    assign empty_o = reserve_q == pop_q;
    assign data_o  = memory[pop_q[LOG2-1:0]];

    always_ff @(posedge clk_i) begin
        if (push_i)
            memory[push_q[LOG2-1:0]] <= data_i;
        if (rst_i) begin
            reserve_q <= '0;
            push_q    <= '0;
            take_q    <= '0;
            pop_q     <= '0;
            room_o    <= 1'b1;
            avail_o   <= 1'b0;
        end else begin
            room_o  <= pop_i || (reserve_i ? reserve_q + 1'b1 != full_at : room_o);
            avail_o <= push_i || (take_i ? take_q + 1'b1 != push_q : avail_o);
            if (reserve_i) reserve_q <= reserve_q + 1'b1;
            if (push_i)    push_q    <= push_q + 1'b1;
            if (take_i)    take_q    <= take_q + 1'b1;
            if (pop_i)     pop_q     <= pop_q + 1'b1;
        end
    end
endmodule

`default_nettype wire
