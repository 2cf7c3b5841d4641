// SPDX-License-Identifier: Apache-2.0
//
// Where a 3x3 pass over an image is. A frame takes height*width + width + 1 steps: step p brings in pixel p (while there is one) and gives
// out pixel p - width - 1 (once there is one), whose window is then complete. So there are no extra steps at the ends of rows: what
// the window holds beyond an edge belongs to a neighbouring row, and the four flags say which taps are to be taken as 0.
`default_nettype none

module dn_raster (
    input  wire         clk_i,

    input  wire         load_i,     // start of a frame
    input  wire         step_i,     // to the next step
    input  wire  [9:0]  w_i,
    input  wire  [9:0]  h_i,

    // registers all: they decide whether there is a step at all
    output logic        take_o,     // this step brings in a pixel
    output logic [9:0]  x_o,        // step modulo width: address in a line memory
    output logic        wrap_o,     // x_o is width - 1
    output logic        emit_o,     // this step gives out a pixel
    output logic        top_o,      // which has nothing above,
    output logic        bottom_o,   // below,
    output logic        left_o,     // to the left,
    output logic        right_o,    // to the right
    output wire         last_o      // the last step
);
    logic [9:0]  y_q;               // row of the pixel that comes in
    logic [10:0] lead_q;            // steps before the first pixel goes out
    logic [9:0]  out_x_q, out_y_q;  // pixel that goes out

    wire narrow = w_i == 10'd1, flat = h_i == 10'd1;
    assign last_o = emit_o && bottom_o && right_o;

    always_ff @(posedge clk_i)
        if (load_i) begin
            x_o      <= '0;
            y_q      <= '0;
            lead_q   <= {1'b0, w_i} + 11'd1;
            out_x_q  <= '0;
            out_y_q  <= '0;
            take_o   <= 1'b1;
            wrap_o   <= narrow;
            emit_o   <= 1'b0;
            top_o    <= 1'b1;
            bottom_o <= flat;
            left_o   <= 1'b1;
            right_o  <= narrow;
        end else if (step_i) begin
            x_o    <= wrap_o ? '0 : x_o + 10'd1;
            wrap_o <= wrap_o ? narrow : x_o == w_i - 10'd2;
            y_q    <= y_q + 10'(wrap_o);
            if (wrap_o && y_q == h_i - 10'd1)
                take_o <= 1'b0;
            lead_q <= lead_q - 11'd1;
            if (lead_q == 11'd1)
                emit_o <= 1'b1;
            if (emit_o) begin
                out_x_q <= right_o ? '0 : out_x_q + 10'd1;
                left_o  <= right_o;
                right_o <= right_o ? narrow : out_x_q == w_i - 10'd2;
                if (right_o) begin
                    out_y_q  <= out_y_q + 10'd1;
                    top_o    <= 1'b0;
                    bottom_o <= out_y_q == h_i - 10'd2;
                end
            end
        end
endmodule

`default_nettype wire
