// SPDX-License-Identifier: Apache-2.0
//
// Says where the array's windows lie: one place a beat for every output row, output-channel group and window of the kernel (down, across), in
// this order. A kernel is a grid of win_h x win_w windows of 3x3 taps (of one tap in conv1x1), step_y rows and step_x columns from each other;
// the sums of all of them make an output.
//
// A place: the words where its three window rows begin (place_base_o, column 0, first input group; depthwise: its group), which of them lie
// inside the image, the first column to be read with its word within the row, and how many columns the first window still needs
// (columns left of the image that the emptied shift register holds already are left out).
// place_flags_o: {last output row, last of the output row, last window, first window}.
//
// The next place is worked out while the present one is used: 8 cycles after it was taken it is there, unless rows of the previous layer
// are missing (wait_prev). The first one comes 16 cycles after start_i. All addresses are modulo 2^16.
`default_nettype none

module window_place #(
    // Convolution cores: an output-channel group is so many channels. 8 or 16.
    parameter int CONV_CORES = 8
) (
    input  wire                clk_i,
    input  wire                rst_i,

    input  wire                start_i,
    output logic               wait_o,          // rows of the previous layer are missing

    // Layer
    input  wire  [1:0]         cfg_mode_i,
    input  wire  [2:0]         cfg_stride_y_i,  // minus 1
    input  wire  [2:0]         cfg_stride_x_i,
    input  wire  [3:0]         cfg_win_h_i,     // minus 1
    input  wire  [3:0]         cfg_win_w_i,
    input  wire  [5:0]         cfg_step_y_i,
    input  wire  [5:0]         cfg_step_x_i,
    input  wire  [5:0]         cfg_pad_top_i,
    input  wire  [5:0]         cfg_pad_left_i,
    input  wire  [1:0]         cfg_wait_prev_i,
    input  wire  [15:0]        cfg_in_addr_i,
    input  wire  [9:0]         cfg_in_w_i,
    input  wire  [9:0]         cfg_in_h_i,
    input  wire  [9:0]         cfg_out_h_i,
    input  wire  [11:0]        cfg_in_c8_i,
    input  wire  [11:0]        cfg_out_c8_i,
    input  wire  [9:0]         rows_ready_i,

    // From the first place to the next start: words from a window's last column to the next one's first new one
    output logic [15:0]        jump_o,

    // Places
    output logic               place_valid_o,
    input  wire                place_ready_i,
    output logic [47:0]        place_base_o,
    output logic [2:0]         place_inside_o,
    output logic signed [11:0] place_col_o,
    output logic [15:0]        place_offset_o,
    output logic [1:0]         place_need_o,
    output logic [3:0]         place_flags_o
);
    localparam logic [1:0] CONV1X1 = 2'd1, DEPTHWISE = 2'd2;

    typedef enum logic [2:0] {IDLE, PITCH, SCALE, INIT, NEXT, ROW, CHECK, OFFER} state_t;
    state_t     state_q;
    logic [2:0] count_q;                 // cycles left in PITCH, SCALE, ROW

    wire is_1x1 = cfg_mode_i == CONV1X1;
    wire is_dw  = cfg_mode_i == DEPTHWISE;
    wire [11:0] out_groups = (CONV_CORES == 16 && !is_dw) ? 12'((13'(cfg_out_c8_i) + 13'd1) >> 1) : cfg_out_c8_i;
    wire take = place_valid_o && place_ready_i;

    // --- Products of the layer's sizes -----------------------------------------------------------------------------------
    // In PITCH of columns and input groups, in SCALE of rows and the row pitch; kept until the next layer starts.
    wire [15:0] c8 = 16'(cfg_in_c8_i);
    logic [15:0] pitch, pad_x, step_x, pad_y, step_y, stride_y;
    wire [3:0] jump = is_1x1 || cfg_stride_x_i < 3'd3 ? (is_1x1 ? 4'(cfg_stride_x_i) + 4'd1 : 4'd1) : 4'(cfg_stride_x_i) - 4'd1;
    wire [3:0] stride_rows = 4'(cfg_stride_y_i) + 4'd1;
    wire in_pitch = state_q == PITCH, in_scale = state_q == SCALE;
    serial_product u_pitch  (.clk_i, .clear_i(start_i), .en_i(in_pitch), .digit_i(cfg_in_w_i[{count_q, 1'b0} +: 2]), .by_i(c8), .product_o(pitch));
    serial_product u_pad_x  (.clk_i, .clear_i(start_i), .en_i(in_pitch), .digit_i(2'({4'd0, cfg_pad_left_i} >> {count_q, 1'b0})), .by_i(c8), .product_o(pad_x));
    serial_product u_step_x (.clk_i, .clear_i(start_i), .en_i(in_pitch), .digit_i(2'({4'd0, cfg_step_x_i} >> {count_q, 1'b0})), .by_i(c8), .product_o(step_x));
    serial_product u_jump   (.clk_i, .clear_i(start_i), .en_i(in_pitch), .digit_i(2'({6'd0, jump} >> {count_q, 1'b0})), .by_i(c8), .product_o(jump_o));
    serial_product u_pad_y  (.clk_i, .clear_i(start_i), .en_i(in_scale), .digit_i(2'(cfg_pad_top_i >> {count_q, 1'b0})), .by_i(pitch), .product_o(pad_y));
    serial_product u_step_y (.clk_i, .clear_i(start_i), .en_i(in_scale), .digit_i(2'(cfg_step_y_i >> {count_q, 1'b0})), .by_i(pitch), .product_o(step_y));
    serial_product u_stride (.clk_i, .clear_i(start_i), .en_i(in_scale), .digit_i(2'({2'd0, stride_rows} >> {count_q, 1'b0})), .by_i(pitch), .product_o(stride_y));

    // --- Counters --------------------------------------------------------------------------------------------------------
    logic [9:0]         y_q;             // output rows, groups, windows still to do
    logic [11:0]        og_q;
    logic [3:0]         wy_q, wx_q;
    logic [15:0]        y_addr_q, w_addr_q, addr_q;           // first row of the output row, of the window, of what ROW is at
    logic signed [11:0] y_index_q, w_index_q, index_q;
    logic signed [11:0] x_col_q;         // first column of the window
    logic [15:0]        x_offset_q;
    logic [11:0]        group_q;         // depthwise: input group

    wire wx_last = wx_q == 4'd0;
    wire wy_last = wy_q == 4'd0;
    wire og_last = og_q == 12'd1;
    wire y_last  = y_q == 10'd1;

    // A single tap is the middle row of a window that starts one row above.
    wire index_inside = !index_q[11] && index_q[10:0] < 11'(cfg_in_h_i) && (!is_1x1 || count_q == 3'd1);

    // After ROW index_q is one beyond the lowest row of a 3x3 window, two beyond that of a 1x1 one.
    wire signed [11:0] rows_needed = is_1x1 ? index_q - 12'sd1 : index_q;
    // A layer that reads a tensor of several rows as one (fully connected) waits for all of them: rows_ready_i is all ones.
    wire enough = cfg_wait_prev_i == 2'd0 || &rows_ready_i || (cfg_wait_prev_i[0] && (rows_ready_i >= cfg_in_h_i || $signed({2'b0, rows_ready_i}) >= rows_needed));
    logic enough_q;
    assign wait_o = state_q == CHECK && !enough_q && !enough;

    // Columns left of the image that need no step.
    wire [1:0] skip = is_1x1 || !x_col_q[11] ? 2'd0 : &x_col_q ? 2'd1 : 2'd2;
    wire [15:0] skip_words = skip[1] ? {c8[14:0], 1'b0} : skip[0] ? c8 : 16'd0;

    always_ff @(posedge clk_i) begin
        enough_q <= enough && state_q == CHECK;
        count_q  <= count_q - 3'd1;
        unique case (state_q)
            IDLE: begin
                count_q <= 3'd4;
                if (start_i) state_q <= PITCH;
            end
            PITCH: if (count_q == 3'd0) begin
                count_q <= 3'd2;
                state_q <= SCALE;
            end
            SCALE: if (count_q == 3'd0) state_q <= INIT;
            INIT: begin
                count_q <= 3'd3;
                state_q <= ROW;
            end
            NEXT: begin
                count_q <= 3'd3;
                state_q <= ROW;
            end
            ROW: if (count_q == 3'd0) state_q <= CHECK;
            CHECK: if (enough_q) state_q <= OFFER;
            OFFER: if (place_ready_i) state_q <= place_flags_o[3] && place_flags_o[2] ? IDLE : NEXT;
            default: state_q <= IDLE;
        endcase
        if (rst_i)
            state_q <= IDLE;
    end
    assign place_valid_o = state_q == OFFER;

    always_ff @(posedge clk_i)
        if (state_q == INIT) begin
            y_q        <= cfg_out_h_i;
            og_q       <= out_groups;
            wy_q       <= cfg_win_h_i;
            wx_q       <= cfg_win_w_i;
            group_q    <= 12'd0;
            y_addr_q   <= cfg_in_addr_i - pad_y - (is_1x1 ? pitch : 16'd0);
            w_addr_q   <= cfg_in_addr_i - pad_y - (is_1x1 ? pitch : 16'd0);
            y_index_q  <= 12'd0 - 12'(cfg_pad_top_i) - 12'(is_1x1);
            w_index_q  <= 12'd0 - 12'(cfg_pad_top_i) - 12'(is_1x1);
            x_col_q    <= 12'd0 - 12'(cfg_pad_left_i);
            x_offset_q <= -pad_x;
        end else if (take) begin
            // Across, down, next group, next row. What ends begins again.
            wx_q       <= wx_last ? cfg_win_w_i : wx_q - 4'd1;
            x_col_q    <= wx_last ? 12'd0 - 12'(cfg_pad_left_i) : x_col_q + 12'(cfg_step_x_i);
            x_offset_q <= wx_last ? -pad_x : x_offset_q + step_x;
            if (wx_last) begin
                wy_q      <= wy_last ? cfg_win_h_i : wy_q - 4'd1;
                w_addr_q  <= wy_last ? (og_last ? y_addr_q + stride_y : y_addr_q) : w_addr_q + step_y;
                w_index_q <= wy_last ? (og_last ? y_index_q + 12'(stride_rows) : y_index_q) : w_index_q + 12'(cfg_step_y_i);
                if (wy_last) begin
                    og_q    <= og_last ? out_groups : og_q - 12'd1;
                    group_q <= og_last ? 12'd0 : group_q + 12'd1;
                    if (og_last) begin
                        y_q       <= y_q - 10'd1;
                        y_addr_q  <= y_addr_q + stride_y;
                        y_index_q <= y_index_q + 12'(stride_rows);
                    end
                end
            end
        end

    // --- The place: three rows in as many cycles ----------------------------------------------------------------------------
    always_ff @(posedge clk_i) begin
        if (state_q == ROW) begin
            if (count_q == 3'd3) begin
                addr_q  <= w_addr_q;
                index_q <= w_index_q;
            end else begin
                place_base_o   <= {addr_q, place_base_o[47:16]};
                place_inside_o <= {index_inside, place_inside_o[2:1]};
                addr_q         <= addr_q + pitch;
                index_q        <= index_q + 12'sd1;
            end
            place_col_o    <= x_col_q + 12'(skip);
            place_offset_o <= x_offset_q + skip_words + (is_dw ? 16'(group_q) : 16'd0);
            place_need_o   <= is_1x1 ? 2'd1 : 2'd3 - skip;
            place_flags_o  <= {y_last, og_last && wy_last && wx_last, wy_last && wx_last, wy_q == cfg_win_h_i && wx_q == cfg_win_w_i};
        end
    end
endmodule

`default_nettype wire
