// SPDX-License-Identifier: Apache-2.0
//
// The Wishbone side of the denoiser IP: registers of hw/denoiser/denoiser.rdl and write windows onto the two weight memories.
// Classic cycles, 32 bits, one wait state: ack or err in the cycle after the request. Byte addresses:
//
//   0x00000  registers    0x10000  pair memory, word w at w*128, lane l at + l*4    0x20000  row memory, likewise
//
// The settings are a shadow: ctrl.start asks for a frame, which begins, with its own copy, when the one before has ended; until then status.ready is 0.
// err, and nothing done: writes that are not 32 bits wide, writes of settings or ctrl while not ready, of memories while a frame runs.
// Addresses without a register read 0 and ignore writes.
`default_nettype none

module dn_registers #(
    // The five parameters of the denoiser, to be read by software
    parameter int BOTTLENECK_MAX = 4,
    parameter int LINE_PAIRS = 1024,
    parameter int LINE_PIXELS = 256,
    parameter int PAIR_WORDS = 256,
    parameter int ROW_WORDS = 64,
    // Bits of all settings together: 11 registers
    parameter int SETTINGS = 11*32
) (
    input  wire                clk_i,
    input  wire                rst_i,

    input  wire                wb_cyc_i,
    input  wire                wb_stb_i,
    input  wire                wb_we_i,
    input  wire  [17:0]        wb_adr_i,
    input  wire  [3:0]         wb_sel_i,
    input  wire  [31:0]        wb_dat_i,
    output logic [31:0]        wb_dat_o,
    output logic               wb_ack_o,
    output logic               wb_err_o,
    output wire                irq_o,

    output logic               start_o,         // one cycle; settings_o is this frame's from now on
    output logic [SETTINGS-1:0] settings_o,     // registers from OP on
    input  wire                done_i,
    input  wire                tlast_error_i,   // one cycle
    input  wire                busy_i,          // for the counters
    input  wire                blocked_i,
    input  wire  [1:0]         samples_i,

    output logic               pair_wr_en_o,
    output logic               row_wr_en_o,
    output logic [15:0]        wr_index_o,
    output logic [5:0]         wr_lane_o,
    output logic [31:0]        wr_data_o
);
    localparam logic [11:0] FIRST = denoiser_regs_pkg::OP;

    logic [SETTINGS-1:0] shadow_q;
    logic pending_q, running_q, done_q, tlast_error_q;
    logic [15:0] frames_q;
    logic [31:0] busy_q, blocked_q, samples_q;

    wire request  = wb_cyc_i && wb_stb_i && !wb_ack_o && !wb_err_o;
    wire in_regs  = wb_adr_i[17:16] == 2'd0;
    wire in_pairs = wb_adr_i[17:16] == 2'd1;
    wire in_rows  = wb_adr_i[17:16] == 2'd2;
    wire [11:0] register = {wb_adr_i[11:2], 2'd0};
    wire in_map   = in_regs && wb_adr_i[15:12] == 0;
    wire is_ctrl  = in_map && register == denoiser_regs_pkg::CTRL;
    wire is_setting = in_map && register >= FIRST && register < FIRST + 12'(SETTINGS/8);
    wire [3:0] setting = 4'((register - FIRST) >> 2);
    wire refused  = wb_we_i && (wb_sel_i != 4'hF || ((is_ctrl || is_setting) && pending_q) || ((in_pairs || in_rows) && (running_q || pending_q)));
    wire write    = request && wb_we_i && !refused;
    wire [1:0] unused_adr = wb_adr_i[1:0];

    logic [31:0] status, read;
    always_comb begin
        status = 32'd0;
        status[denoiser_regs_pkg::STATUS_BUSY_LSB]        = running_q || pending_q;
        status[denoiser_regs_pkg::STATUS_READY_LSB]       = !pending_q;
        status[denoiser_regs_pkg::STATUS_DONE_LSB]        = done_q;
        status[denoiser_regs_pkg::STATUS_TLAST_ERROR_LSB] = tlast_error_q;
        status[denoiser_regs_pkg::STATUS_FRAMES_LSB +: denoiser_regs_pkg::STATUS_FRAMES_WIDTH] = frames_q;
        case (register)
            denoiser_regs_pkg::ID:          read = denoiser_regs_pkg::ID_ID_VALUE;
            denoiser_regs_pkg::VERSION:     read = {denoiser_regs_pkg::VERSION_MAJOR_VALUE, denoiser_regs_pkg::VERSION_MINOR_VALUE};
            denoiser_regs_pkg::CAPS:        read = BOTTLENECK_MAX;
            denoiser_regs_pkg::LINE_PAIRS:  read = LINE_PAIRS;
            denoiser_regs_pkg::LINE_PIXELS: read = LINE_PIXELS;
            denoiser_regs_pkg::PAIR_WORDS:  read = PAIR_WORDS;
            denoiser_regs_pkg::ROW_WORDS:   read = ROW_WORDS;
            denoiser_regs_pkg::STATUS:      read = status;
            denoiser_regs_pkg::CNT_BUSY:    read = busy_q;
            denoiser_regs_pkg::CNT_BLOCKED: read = blocked_q;
            denoiser_regs_pkg::CNT_SAMPLES: read = samples_q;
            default:                        read = is_setting ? shadow_q[setting*32 +: 32] : 32'd0;
        endcase
    end

    wire begin_frame = pending_q && !running_q;
    wire clear = write && in_map && register == denoiser_regs_pkg::STATUS;
    assign irq_o = done_q;
    always_ff @(posedge clk_i)
        if (rst_i) begin
            wb_ack_o      <= 1'b0;
            wb_err_o      <= 1'b0;
            pending_q     <= 1'b0;
            running_q     <= 1'b0;
            start_o       <= 1'b0;
            done_q        <= 1'b0;
            tlast_error_q <= 1'b0;
            frames_q      <= '0;
            pair_wr_en_o  <= 1'b0;
            row_wr_en_o   <= 1'b0;
            shadow_q      <= '0;
        end else begin
            wb_ack_o <= request && !refused;
            wb_err_o <= request && refused;
            if (write && is_ctrl && wb_dat_i[denoiser_regs_pkg::CTRL_START_LSB])
                pending_q <= 1'b1;
            else if (begin_frame)
                pending_q <= 1'b0;
            running_q     <= (running_q || begin_frame) && !done_i;
            start_o       <= begin_frame;
            done_q        <= done_i || (done_q && !(clear && wb_dat_i[denoiser_regs_pkg::STATUS_DONE_LSB]));
            tlast_error_q <= tlast_error_i || (tlast_error_q && !(clear && wb_dat_i[denoiser_regs_pkg::STATUS_TLAST_ERROR_LSB]));
            frames_q      <= frames_q + 16'(done_i);
            pair_wr_en_o  <= write && in_pairs;
            row_wr_en_o   <= write && in_rows;
            if (write && is_setting)
                shadow_q[setting*32 +: 32] <= wb_dat_i;
        end

    always_ff @(posedge clk_i) begin
        if (request && !wb_we_i)
            wb_dat_o <= in_map ? read : 32'd0;
        if (begin_frame)
            settings_o <= shadow_q;
        if (write && (in_pairs || in_rows)) begin
            wr_index_o <= {7'd0, wb_adr_i[15:7]};
            wr_lane_o  <= {1'b0, wb_adr_i[6:2]};
            wr_data_o  <= wb_dat_i;
        end
        if (begin_frame) begin
            busy_q    <= '0;
            blocked_q <= '0;
            samples_q <= '0;
        end else if (running_q) begin
            busy_q    <= busy_q + 32'(busy_i);
            blocked_q <= blocked_q + 32'(blocked_i);
            samples_q <= samples_q + 32'(samples_i);
        end
    end
endmodule

`default_nettype wire
