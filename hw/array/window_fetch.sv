// SPDX-License-Identifier: Apache-2.0
//
// Walks through a layer in the array's order (output row, output-channel group, input-channel group, column) and lists what the
// window's shift register has to take in, one step a beat: one activation word to read, or nothing but zeros.
//
// A step says which of the three window rows shift by one column (step_shift_o) and which of them takes the word that is
// read (step_load_o, one-hot or none); rows that shift without a word take zeros (outside the image). A column inside the image takes as
// many steps as it has rows inside; a column outside takes one. The left padding takes none: step_clear_o empties the register.
// step_done_o: this step completes a window; step_flags_o then tells its place {layer_last, row_last, pass_last, in_last, in_first}:
// a pass is one row of windows of one (output group, input group) pair.
//
// One step a cycle; 5 cycles pass between two output rows (wait_prev: until the rows needed are in memory), 17 from start_i to the first.
`default_nettype none

module window_fetch #(
    // Convolution cores: an output-channel group is so many channels. 8 or 16.
    parameter int CONV_CORES = 8
) (
    input  wire         clk_i,
    input  wire         rst_i,

    input  wire         start_i,
    output logic        wait_o,          // waiting for rows of the previous layer

    // Layer
    input  wire  [1:0]  cfg_mode_i,
    input  wire         cfg_stride2_i,
    input  wire         cfg_pad_top_i,
    input  wire         cfg_pad_left_i,
    input  wire         cfg_wait_prev_i,
    input  wire  [15:0] cfg_in_addr_i,
    input  wire  [9:0]  cfg_in_w_i,
    input  wire  [9:0]  cfg_in_h_i,
    input  wire  [9:0]  cfg_out_w_i,
    input  wire  [9:0]  cfg_out_h_i,
    input  wire  [11:0] cfg_in_c8_i,
    input  wire  [11:0] cfg_out_c8_i,
    input  wire  [9:0]  rows_ready_i,

    // Steps
    output logic        step_valid_o,
    input  wire         step_ready_i,
    output logic [15:0] step_addr_o,     // activation word, if a row is loaded
    output logic [2:0]  step_shift_o,
    output logic [2:0]  step_load_o,
    output logic        step_clear_o,
    output logic        step_done_o,
    output logic [4:0]  step_flags_o
);
    localparam logic [1:0] CONV1X1 = 2'd1, DEPTHWISE = 2'd2;

    typedef enum logic [2:0] {IDLE, PITCH, INIT, ROW, CHECK, RUN} state_t;
    state_t state_q;

    wire is_1x1 = cfg_mode_i == CONV1X1;
    wire is_dw  = cfg_mode_i == DEPTHWISE;
    // A 1x1 convolution is the middle row of a window that starts one row above; its columns are single.
    wire pad_top = is_1x1 || cfg_pad_top_i;
    wire [1:0]  need_first = is_1x1 ? 2'd1 : cfg_pad_left_i ? 2'd2 : 2'd3;
    wire [1:0]  need_next  = (cfg_stride2_i && !is_1x1) ? 2'd2 : 2'd1;
    wire        wide_step  = cfg_stride2_i && is_1x1;
    wire [11:0] out_groups = (CONV_CORES == 16 && !is_dw) ? 12'((13'(cfg_out_c8_i) + 13'd1) >> 1) : cfg_out_c8_i;

    // --- Row bookkeeping -----------------------------------------------------------------------------------------------
    logic [3:0]  count_q;                // steps of PITCH and ROW
    logic [9:0]  width_q;                // in_w, most significant bit first
    logic [15:0] pitch_q;                // words from row to row
    logic [15:0] addr_q;                 // word 0 of row index_q
    logic signed [11:0] index_q;
    logic [15:0] base0_q, base1_q, base2_q;
    logic [2:0]  inside_q;               // window rows inside the image
    logic        enough_q;               // the rows needed are in memory
    wire index_inside = !index_q[11] && index_q[10:0] < 11'(cfg_in_h_i);
    // After ROW index_q is one beyond the lowest row of a 3x3 window, two beyond that of a 1x1 one.
    wire signed [11:0] rows_needed = is_1x1 ? index_q - 12'sd1 : index_q;
    wire enough = !cfg_wait_prev_i || rows_ready_i >= cfg_in_h_i || $signed({2'b0, rows_ready_i}) >= rows_needed;

    // --- Counters of a row ---------------------------------------------------------------------------------------------
    logic [9:0]  y_q, x_q;               // rows, windows of the pass still to do
    logic [11:0] og_q, ig_q;             // output, input groups still to do
    logic        in_first_q;             // first input group
    logic [11:0] cg_q;                   // input word within a pixel
    logic [11:0] col_q;                  // column
    logic        col_inside_q;
    logic [15:0] offset_q;               // word of column col_q, group cg_q, within the row
    logic [1:0]  need_q;                 // columns until the window is complete
    logic [2:0]  rows_q;                 // rows of this column still to load
    logic        fresh_col_q, fresh_pass_q;

    wire        has_word   = col_inside_q && inside_q != 3'b0;
    wire [2:0]  lowest     = rows_q & (~rows_q + 3'd1);
    wire [2:0]  load       = has_word ? lowest : 3'b0;
    wire [2:0]  shift      = !has_word ? 3'b111 : fresh_col_q ? (lowest | ~inside_q) : lowest;
    wire        col_end    = !has_word || rows_q == lowest;
    wire        window_end = col_end && need_q == 2'd1;
    wire        pass_last  = x_q == 10'd1;
    wire        in_last    = ig_q == 12'd1;
    wire        row_last   = pass_last && in_last && og_q == 12'd1;
    wire        layer_last = row_last && y_q == 10'd1;

    wire        advance    = state_q == RUN && (!step_valid_o || step_ready_i);
    wire        pass_end   = window_end && pass_last;
    wire        row_end    = window_end && row_last;
    wire [11:0] cg_next    = (is_dw ? row_last : in_last) ? 12'd0 : cg_q + 12'd1;
    wire [11:0] col_next   = col_q + (wide_step ? 12'd2 : 12'd1);

    assign wait_o = state_q == CHECK && !enough_q && !enough;

    always_ff @(posedge clk_i) begin
        count_q  <= state_q == PITCH || state_q == ROW ? count_q + 4'd1 : 4'd0;
        enough_q <= enough && state_q == CHECK;
        unique case (state_q)
            IDLE: begin
                pitch_q <= 16'd0;
                width_q <= cfg_in_w_i;
                y_q     <= cfg_out_h_i;
                if (start_i) state_q <= PITCH;
            end
            PITCH: begin  // in_w * in_c8, modulo the address range
                pitch_q <= {pitch_q[14:0], 1'b0} + (width_q[9] ? 16'(cfg_in_c8_i) : 16'd0);
                width_q <= {width_q[8:0], 1'b0};
                y_q     <= cfg_out_h_i;
                if (count_q == 4'd9) state_q <= INIT;
            end
            INIT: begin
                addr_q  <= cfg_in_addr_i - (pad_top ? pitch_q : 16'd0);
                index_q <= pad_top ? -12'sd1 : 12'sd0;
                state_q <= ROW;
            end
            ROW: begin
                {base0_q, base1_q, base2_q} <= {base1_q, base2_q, addr_q};
                inside_q <= {index_inside && (!is_1x1 || count_q == 4'd1), inside_q[2:1]};
                addr_q   <= addr_q + pitch_q;
                index_q  <= index_q + 12'sd1;
                if (count_q == 4'd2) state_q <= CHECK;
            end
            CHECK: if (enough_q) state_q <= RUN;
            RUN: if (advance && row_end) begin
                addr_q  <= cfg_stride2_i ? base2_q : base1_q;
                index_q <= index_q - (cfg_stride2_i ? 12'sd1 : 12'sd2);
                y_q     <= y_q - 10'd1;
                state_q <= layer_last ? IDLE : ROW;
            end
            default: state_q <= IDLE;
        endcase
        if (rst_i)
            state_q <= IDLE;
    end

    always_ff @(posedge clk_i)
        if (state_q != RUN) begin
            // Beginning of an output row.
            x_q          <= cfg_out_w_i;
            og_q         <= out_groups;
            ig_q         <= is_dw ? 12'd1 : cfg_in_c8_i;
            in_first_q   <= 1'b1;
            cg_q         <= 12'd0;
            col_q        <= 12'd0;
            col_inside_q <= 1'b1;
            offset_q     <= 16'd0;
            need_q       <= need_first;
            rows_q       <= inside_q;
            fresh_col_q  <= 1'b1;
            fresh_pass_q <= 1'b1;
        end else if (advance) begin
            rows_q       <= col_end ? inside_q : rows_q & ~lowest;
            fresh_col_q  <= col_end;
            fresh_pass_q <= pass_end;
            if (pass_end) begin
                x_q          <= cfg_out_w_i;
                need_q       <= need_first;
                col_q        <= 12'd0;
                col_inside_q <= 1'b1;
                cg_q         <= cg_next;
                offset_q     <= 16'(cg_next);
                in_first_q   <= in_last;
                ig_q         <= is_dw ? 12'd1 : in_last ? cfg_in_c8_i : ig_q - 12'd1;
                if (in_last) og_q <= og_q - 12'd1;
            end else if (col_end) begin
                col_q        <= col_next;
                col_inside_q <= col_next < 12'(cfg_in_w_i);
                offset_q     <= offset_q + (wide_step ? {3'b0, cfg_in_c8_i, 1'b0} : 16'(cfg_in_c8_i));
                need_q       <= window_end ? need_next : need_q - 2'd1;
                if (window_end) x_q <= x_q - 10'd1;
            end
        end

    // --- The step, registered: the address adder stays out of the memory arbiter's path ----------------------------------
    wire [15:0] base = lowest[0] ? base0_q : lowest[1] ? base1_q : base2_q;
    always_ff @(posedge clk_i) begin
        if (!step_valid_o || step_ready_i) begin
            step_valid_o <= state_q == RUN;
            step_addr_o  <= base + offset_q;
            step_shift_o <= shift;
            step_load_o  <= load;
            step_clear_o <= fresh_pass_q;
            step_done_o  <= window_end;
            step_flags_o <= {layer_last, row_last, pass_last, in_last, in_first_q};
        end
        if (rst_i)
            step_valid_o <= 1'b0;
    end
endmodule

`default_nettype wire
