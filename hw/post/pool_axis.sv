// SPDX-License-Identifier: Apache-2.0
// The windows along one side of a frame: a walk from the first window's begin, pad_i positions in front of the frame, to the last position that the
// frame or a window has. At each position: how many windows cover it, whether the newest begins and the oldest ends there. At most one does each.
// Contract: the fields are constant from two cycles before load_i on; load_i goes to the first position, step_i to the next one. Within a position
// next_i goes on to the next window that covers it (the oldest is the first), again_i back to the first.
`default_nettype none

module pool_axis (
    input  wire        clk_i,
    input  wire        load_i,
    input  wire        step_i,
    input  wire        next_i,
    input  wire        again_i,
    // Side of the frame, of a window; from window to window; in front of the frame; windows
    input  wire  [9:0] size_i,
    input  wire  [9:0] kernel_i,
    input  wire  [9:0] stride_i,
    input  wire  [3:0] pad_i,
    input  wire  [9:0] windows_i,
    // Inside the frame; its first position; neither the frame nor a window has a further one, in this order
    output logic       real_o,
    output logic       border_o,
    output logic       frame_last_o,
    output logic       windows_last_o,
    // A window covers the position; the newest begins here; the oldest ends here; the oldest is the last of the side
    output logic       any_o,
    output logic       new_o,
    output logic       end_o,
    output logic       final_o,
    // The window that is looked at is the oldest, the newest
    output logic       oldest_o,
    output logic       newest_o
);
    logic [9:0] stride1_q, kernel1_q;  // less one
    logic stride_is_1_q, kernel_is_1_q;
    logic [3:0] lead_q;  // positions before the frame, from this one on
    logic [9:0] left_q;  // positions of the frame from this one on
    logic [9:0] begin_q, end_q;  // positions after this one before the one where the next window begins; before the next end
    logic begin_0_q, end_0_q;
    logic [9:0] to_begin_q, to_end_q;  // windows
    logic some_to_begin_q, some_to_end_q;
    logic [9:0] cover_q;  // windows that cover the position
    logic [9:0] after_q;  // of them after the one that is looked at
    logic [9:0] others_q;  // of them after the oldest
    logic single_q;  // none

    assign end_o = end_0_q & some_to_end_q;
    assign windows_last_o = !some_to_end_q | (end_0_q & final_o);

    wire begins = begin_0_q & some_to_begin_q;  // at the next position
    wire real_next = (lead_q == 4'd0) ? !frame_last_o : (lead_q == 4'd1);
    wire [9:0] covering = cover_q + {9'd0, begins} - {9'd0, end_o};
    wire [9:0] others = cover_q + ((begins & !end_o) ? 10'd0 : (begins | !end_o) ? 10'h3FF : 10'h3FE);  // covering - 1
    wire one = cover_q == 10'd1;
    wire two = cover_q == 10'd2;
    wire single = begins ? (end_o ? one : !any_o) : (one | (end_o ? two : !any_o));  // covering is 1 (or 0: then nobody looks)

    always_ff @(posedge clk_i) begin
        stride1_q <= stride_i - 10'd1;
        stride_is_1_q <= stride_i == 10'd1;
        kernel1_q <= kernel_i - 10'd1;
        kernel_is_1_q <= kernel_i == 10'd1;
    end

    // The frame
    always_ff @(posedge clk_i) begin
        if (load_i) begin
            lead_q <= pad_i;
            left_q <= size_i;
            real_o <= pad_i == 4'd0;
            border_o <= pad_i == 4'd0;
            frame_last_o <= (pad_i == 4'd0) & (size_i == 10'd1);
        end else if (step_i) begin
            real_o <= real_next;
            border_o <= lead_q == 4'd1;
            if (lead_q != 4'd0) begin
                lead_q <= lead_q - 4'd1;
                frame_last_o <= (lead_q == 4'd1) & (left_q == 10'd1);
            end else if (!frame_last_o) begin
                left_q <= left_q - 10'd1;
                frame_last_o <= left_q == 10'd2;
            end
        end
    end

    // The windows
    always_ff @(posedge clk_i) begin
        if (load_i) begin
            begin_q <= stride1_q;
            begin_0_q <= stride_is_1_q;
            end_q <= kernel1_q;
            end_0_q <= kernel_is_1_q;
            to_begin_q <= windows_i - 10'd1;
            some_to_begin_q <= windows_i != 10'd1;
            to_end_q <= windows_i;
            some_to_end_q <= 1'b1;
            final_o <= windows_i == 10'd1;
            new_o <= 1'b1;
            any_o <= 1'b1;
            cover_q <= 10'd1;
            others_q <= 10'd0;
            single_q <= 1'b1;
        end else if (step_i) begin
            begin_q <= begin_0_q ? stride1_q : begin_q - 10'd1;
            begin_0_q <= begin_0_q ? stride_is_1_q : begin_q == 10'd1;
            end_q <= end_0_q ? stride1_q : end_q - 10'd1;
            end_0_q <= end_0_q ? stride_is_1_q : end_q == 10'd1;
            if (begins) begin
                to_begin_q <= to_begin_q - 10'd1;
                some_to_begin_q <= to_begin_q != 10'd1;
            end
            if (end_o) begin
                to_end_q <= to_end_q - 10'd1;
                some_to_end_q <= !final_o;
                final_o <= to_end_q == 10'd2;
            end
            new_o <= begins;
            any_o <= begins | (any_o & !(one & end_o));
            cover_q <= covering;
            others_q <= others;
            single_q <= single;
        end
    end

    // The one that is looked at
    always_ff @(posedge clk_i) begin
        if (load_i | step_i | again_i) oldest_o <= 1'b1;
        else if (next_i) oldest_o <= 1'b0;
        if (load_i) begin
            after_q  <= 10'd0;
            newest_o <= 1'b1;
        end else if (step_i) begin
            after_q  <= others;
            newest_o <= single;
        end else if (again_i) begin
            after_q  <= others_q;
            newest_o <= single_q;
        end else if (next_i) begin
            after_q  <= after_q - 10'd1;
            newest_o <= after_q == 10'd1;
        end
    end
endmodule

`default_nettype wire
