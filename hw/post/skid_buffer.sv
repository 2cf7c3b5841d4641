// SPDX-License-Identifier: Apache-2.0
// Two-entry buffer that cuts the ready path of a stream: in_ready_o comes from a flip-flop.
// Contract: order kept, latency 1 cycle, one beat a clock, data stable while stalled.
`default_nettype none

module skid_buffer #(
    // Width of a beat in bits; costs two registers of this width.
    parameter int WIDTH = 16
) (
    input  wire              clk_i,
    input  wire              rst_i,
    // Stream in
    input  wire              in_valid_i,
    output logic             in_ready_o,
    input  wire  [WIDTH-1:0] in_data_i,
    // Stream out
    output logic             out_valid_o,
    input  wire              out_ready_i,
    output logic [WIDTH-1:0] out_data_o
);
    logic [WIDTH-1:0] out_q, skid_q;
    logic out_valid_q, skid_valid_q;

    assign in_ready_o = !skid_valid_q;
    assign out_valid_o = out_valid_q;
    assign out_data_o = out_q;

    wire load = !out_valid_q | out_ready_i;  // the output register may take a beat

    always_ff @(posedge clk_i) begin
        if (load) begin
            if (skid_valid_q) out_q <= skid_q;
            else if (in_valid_i) out_q <= in_data_i;
        end else if (in_valid_i & !skid_valid_q) skid_q <= in_data_i;
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            out_valid_q  <= 1'b0;
            skid_valid_q <= 1'b0;
        end else if (load) begin
            out_valid_q  <= skid_valid_q | in_valid_i;
            skid_valid_q <= 1'b0;
        end else if (in_valid_i) skid_valid_q <= 1'b1;
    end
endmodule

`default_nettype wire
