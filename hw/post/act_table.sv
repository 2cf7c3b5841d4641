// SPDX-License-Identifier: Apache-2.0
// Activation functions as tables: between post and pool every code of a layer is looked up in one of TABLES tables of 256 codes,
// y = table[q]; qr_table in libquell. A block RAM word is four codes of a table; two copies, one for each code of a pair.
// Contract: code stream in and out, one pair a clock; latency 2 cycles, 0 for a layer without table, whose pairs pass through; the whole
// pipeline stops when its output does. Write port: word w is table w, lane l holds the codes for q = 4*l ... 4*l + 3 read as unsigned
// bytes (0...127, then -128...-1), each lane stored at once; nobody writes a table of a running layer.
`default_nettype none

module act_table #(
    // Tables: a power of two up to 64, or 0: the chip has none. Eight fill two block RAMs.
    parameter int TABLES = 8
) (
    input  wire         clk_i,
    input  wire         rst_i,
    // Layer
    input  wire         cfg_table_on_i,
    input  wire  [ 5:0] cfg_table_index_i,
    // {code[c+1], code[c]}
    input  wire         in_valid_i,
    output logic        in_ready_o,
    input  wire  [15:0] in_data_i,
    // {code[c+1], code[c]}
    output logic        out_valid_o,
    input  wire         out_ready_i,
    output logic [15:0] out_data_o,
    // CPU writes
    input  wire         wr_en_i,
    input  wire  [15:0] wr_index_i,
    input  wire  [ 5:0] wr_lane_i,
    input  wire  [31:0] wr_data_i
);
    if (TABLES == 0) begin : g_none
        wire unused = &{1'b0, clk_i, rst_i, cfg_table_on_i, cfg_table_index_i, wr_en_i, wr_index_i, wr_lane_i, wr_data_i};
        assign in_ready_o = out_ready_i;
        assign out_valid_o = in_valid_i;
        assign out_data_o = in_data_i;
    end else begin : g_tables
        localparam int I_W = (TABLES > 1) ? $clog2(TABLES) : 1;
        localparam int A_W = $clog2(TABLES) + 6;

        logic [1:0] valid_q;
        logic [15:0] y_q;

        wire en = !valid_q[1] | out_ready_i;
        wire fire = in_valid_i & cfg_table_on_i & en;
        wire store = wr_en_i & (wr_index_i < 16'(TABLES));
        wire [A_W-1:0] wr_addr = A_W'({wr_index_i[I_W-1:0], wr_lane_i});
        wire unused = &{1'b0, cfg_table_index_i};

        assign in_ready_o = cfg_table_on_i ? en : out_ready_i;
        assign out_valid_o = cfg_table_on_i ? valid_q[1] : in_valid_i;
        assign out_data_o = cfg_table_on_i ? y_q : in_data_i;

        always_ff @(posedge clk_i) begin
            if (rst_i) valid_q <= '0;
            else if (en) valid_q <= {valid_q[0], fire};
        end

        for (genvar i = 0; i < 2; i++) begin : g_lane
            (* no_rw_check, ram_style = "block" *)
            logic [31:0] memory[TABLES*64];
            logic [31:0] ram_q;  // stage 1
            logic [1:0] byte_q;

            always_ff @(posedge clk_i) begin
                if (store) memory[wr_addr] <= wr_data_i;
                if (fire) begin
                    ram_q  <= memory[A_W'({cfg_table_index_i[I_W-1:0], in_data_i[8*i+2+:6]})];
                    byte_q <= in_data_i[8*i+:2];
                end
                if (en & valid_q[0]) y_q[8*i+:8] <= ram_q[8*byte_q+:8];
            end
        end
    end
endmodule

`default_nettype wire
