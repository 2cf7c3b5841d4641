// SPDX-License-Identifier: Apache-2.0
// Counters of dma.sv: bytes that the memory gave and took, and for each stream the cycles in which the chip waited for it. 32 bits, wrapping (bytes:
// after 32 s at full rate).
// Contract: a cycle or a beat counts one cycle after it happened; clear_i sets all to zero.
`default_nettype none

module dma_counters (
    input  wire         clk_i,
    input  wire         rst_i,
    input  wire         clear_i,

    // 16 bits have passed: reading streams 0 and 1, writing stream
    input  wire  [ 2:0] beat_i,
    // The chip waits: the same
    input  wire  [ 2:0] wait_i,

    output logic [31:0] bytes_read_o,
    output logic [31:0] bytes_written_o,
    output logic [31:0] wait_rd0_o,
    output logic [31:0] wait_rd1_o,
    output logic [31:0] wait_wr_o
);
    // Two bytes a beat: bit 0 is always 0.
    logic [30:0] read_q, written_q;
    logic [2:0] beat_q, wait_q;
    assign bytes_read_o = {read_q, 1'b0};
    assign bytes_written_o = {written_q, 1'b0};

    always_ff @(posedge clk_i) begin
        if (rst_i | clear_i) begin
            beat_q     <= '0;
            wait_q     <= '0;
            read_q     <= '0;
            written_q  <= '0;
            wait_rd0_o <= '0;
            wait_rd1_o <= '0;
            wait_wr_o  <= '0;
        end else begin
            beat_q     <= beat_i;
            wait_q     <= wait_i;
            read_q     <= read_q + 31'(beat_q[0]) + 31'(beat_q[1]);
            written_q  <= written_q + 31'(beat_q[2]);
            wait_rd0_o <= wait_rd0_o + 32'(wait_q[0]);
            wait_rd1_o <= wait_rd1_o + 32'(wait_q[1]);
            wait_wr_o  <= wait_wr_o + 32'(wait_q[2]);
        end
    end
endmodule

`default_nettype wire
