// SPDX-License-Identifier: Apache-2.0
// The registers of the external memory (hw/regs/quell.rdl, its last section) for memory_system: what the processor writes becomes descriptors, regions,
// loads, words and writes to the controller; what came of them is read back.
// Contract: read data one cycle after the address, 0 for registers of others. A descriptor and a load wait here until they are taken; one that is written
// while another waits is lost, and so is a word for which there is no room: misused, or load_refused, tells. An address or size with more bits than the memory
// is refused like any other outside its region. The controller's reset (ctrl_rst_o) ends with the first write to one of its registers, which follows 15
// cycles later: so nothing refreshes a chip that nobody has initialised. Counters and sticky bits follow a cycle later.
`default_nettype none

module memory_registers #(
    // Size of the memory, 64-bit words, a power of two; what the firmware reads.
    parameter int EXT_WORDS = 4194304,
    localparam int AW = $clog2(EXT_WORDS)
) (
    input  wire         clk_i,
    input  wire         rst_i,

    input  wire         reg_wr_i,
    input  wire  [11:0] reg_addr_i,
    input  wire  [31:0] reg_wdata_i,
    output logic [31:0] reg_rdata_o,

    // Regions and descriptors of dma
    output logic          region_valid_o,
    output logic          desc_valid_o,
    input  wire           desc_ready_i,
    output logic [ 1:0]   stream_o,
    output logic [AW-1:0] addr_o,
    output logic [AW:0]   words_o,
    input  wire  [ 2:0]   busy_i,
    input  wire  [ 2:0]   refused_i,
    output logic [ 2:0]   clear_o,
    input  wire           misused_i,      // strobe

    // Jobs of memory_loader
    output logic        job_valid_o,
    input  wire         job_ready_i,
    output logic [ 2:0] job_memory_o,
    output logic [15:0] job_index_o,
    output logic [16:0] job_words_o,
    input  wire         load_busy_i,
    input  wire         load_done_i,      // strobe
    input  wire         load_refused_i,   // strobe

    // The processor's streams
    input  wire         rd_valid_i,
    output logic        rd_ready_o,
    input  wire  [63:0] rd_data_i,
    output logic        wr_valid_o,
    input  wire         wr_ready_i,
    output logic [63:0] wr_data_o,

    // The controller's registers: a write is valid until it is ready
    output logic        ctrl_rst_o,
    output logic        ctrl_valid_o,
    input  wire         ctrl_ready_i,
    output logic [29:0] ctrl_addr_o,
    output logic [31:0] ctrl_data_o,

    // Counters
    input  wire         array_idle_i,
    output logic        count_clear_o,
    input  wire  [31:0] count_bytes_read_i,
    input  wire  [31:0] count_bytes_written_i
);
    initial if (EXT_WORDS < 2 || EXT_WORDS != 1 << AW) $fatal(1, "memory_registers: EXT_WORDS is a power of two");

    // ---- what the processor writes: decoded into a register first

    logic [31:0] addr_q, words_q, write_lo_q, wdata_q;
    logic [16:0] load_words_q;
    logic [15:0] ctrl_addr_q;
    logic descriptor_q, region_q, load_q, clear_q, write_q, next_q, ctrl_q;

    always_ff @(posedge clk_i) begin
        wdata_q <= reg_wdata_i;
        if (reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_ADDR) addr_q <= reg_wdata_i;
        if (reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_WORDS) words_q <= reg_wdata_i;
        if (reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_LOAD_WORDS) load_words_q <= reg_wdata_i[16:0];
        if (reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_WRITE_LO) write_lo_q <= reg_wdata_i;
        if (reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_CTRL_ADDR) ctrl_addr_q <= reg_wdata_i[15:0];
        descriptor_q  <= !rst_i && reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_DESCRIPTOR;
        region_q      <= !rst_i && reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_REGION;
        load_q        <= !rst_i && reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_LOAD;
        clear_q       <= !rst_i && reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_CLEAR;
        write_q       <= !rst_i && reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_WRITE_HI;
        next_q        <= !rst_i && reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_READ_NEXT && reg_wdata_i[0];
        ctrl_q        <= !rst_i && reg_wr_i && reg_addr_i == quell_regs_pkg::MEM_CTRL_DATA;
        count_clear_o <= !rst_i && reg_wr_i && reg_addr_i == quell_regs_pkg::CNT_CLEAR && reg_wdata_i[0];
    end

    // ---- descriptors, regions: addr_o, words_o and stream_o serve both, and wait with the descriptor. No words: refused.

    wire outside = |addr_q[31:AW] || |words_q[31:AW+1];
    wire lost_descriptor = desc_valid_o && (descriptor_q || region_q);

    always_ff @(posedge clk_i) begin
        if (!desc_valid_o) begin
            stream_o <= wdata_q[1:0];
            addr_o   <= addr_q[AW-1:0];
            words_o  <= outside ? '0 : words_q[AW:0];
        end
        region_valid_o <= !rst_i && region_q && !desc_valid_o;
        desc_valid_o   <= !rst_i && (desc_valid_o ? !desc_ready_i : descriptor_q);
    end

    // A refusal is forgotten as soon as all that was dropped behind it is gone.
    always_ff @(posedge clk_i) clear_o <= {3{!rst_i}} & ((clear_o & refused_i) | ({3{clear_q}} & wdata_q[2:0]));

    // ---- loads

    always_ff @(posedge clk_i) begin
        if (load_q && !job_valid_o) begin
            {job_memory_o, job_index_o} <= wdata_q[18:0];
            job_words_o <= load_words_q;
        end
        job_valid_o <= !rst_i && (job_valid_o ? !job_ready_i : load_q);
    end

    // ---- words

    // Read: one lies here.
    logic read_valid_q;
    logic [63:0] read_q;
    assign rd_ready_o = !read_valid_q;
    always_ff @(posedge clk_i) begin
        if (!read_valid_q) read_q <= rd_data_i;
        read_valid_q <= !rst_i && (read_valid_q ? !next_q : rd_valid_i);
    end

    // Write: sixteen may wait.
    logic queue_ready, room_q;
    logic [4:0] count_q;
    stream_fifo #(
        .WIDTH(64)
    ) queue (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .in_valid_i(write_q),
        .in_ready_o(queue_ready),
        .in_data_i({wdata_q, write_lo_q}),
        .out_valid_o(wr_valid_o),
        .out_ready_i(wr_ready_i),
        .out_data_o(wr_data_o)
    );
    wire put = write_q && queue_ready;
    wire got = wr_valid_o && wr_ready_i;
    always_ff @(posedge clk_i) begin
        count_q <= rst_i ? '0 : count_q + {4'd0, put} - {4'd0, got};
        room_q  <= count_q <= 5'd8;
    end

    // ---- the controller

    logic ctrl_busy_q;
    logic [3:0] wake_q;  // clocks of the controller since its reset, up to 15
    assign ctrl_valid_o = ctrl_busy_q && wake_q == 4'hF;
    always_ff @(posedge clk_i) begin
        if (ctrl_q && !ctrl_busy_q) begin
            ctrl_addr_o <= {16'd0, ctrl_addr_q[15:2]};
            ctrl_data_o <= wdata_q;
        end
        ctrl_busy_q <= !rst_i && (ctrl_busy_q ? !(ctrl_valid_o && ctrl_ready_i) : ctrl_q);
        ctrl_rst_o  <= rst_i || (ctrl_rst_o && !ctrl_q);
        wake_q      <= ctrl_rst_o ? '0 : wake_q == 4'hF ? wake_q : wake_q + 4'd1;
    end

    // ---- what is remembered, what is counted

    logic misused_q, load_refused_q, wait_q;
    logic [15:0] loads_q;
    logic [31:0] load_wait_q;
    wire forget = clear_q && wdata_q[3];
    wire load_busy = job_valid_o || load_busy_i;

    always_ff @(posedge clk_i) begin
        misused_q      <= !rst_i && ((misused_q && !forget) || misused_i || lost_descriptor || (write_q && !queue_ready) || (ctrl_q && ctrl_busy_q));
        load_refused_q <= !rst_i && ((load_refused_q && !forget) || load_refused_i || (load_q && job_valid_o));
        loads_q        <= rst_i ? '0 : loads_q + {15'd0, load_done_i};
        wait_q         <= array_idle_i && load_busy;
        load_wait_q    <= rst_i || count_clear_o ? '0 : load_wait_q + {31'd0, wait_q};
    end

    // ---- what the processor reads

    wire [2:0] waiting = {3{desc_valid_o}} & {stream_o == 2'd2, stream_o == 2'd1, stream_o == 2'd0};
    wire [31:0] status = {
        loads_q, room_q, read_valid_q, ctrl_busy_q, misused_q, load_refused_q, load_busy, job_valid_o, desc_valid_o, 1'b0, refused_i, 1'b0, busy_i | waiting
    };
    always_ff @(posedge clk_i) begin
        unique case (reg_addr_i)
            quell_regs_pkg::EXT_WORDS:       reg_rdata_o <= 32'(EXT_WORDS);
            quell_regs_pkg::MEM_ADDR:        reg_rdata_o <= addr_q;
            quell_regs_pkg::MEM_WORDS:       reg_rdata_o <= words_q;
            quell_regs_pkg::MEM_LOAD_WORDS:  reg_rdata_o <= {15'd0, load_words_q};
            quell_regs_pkg::MEM_STATUS:      reg_rdata_o <= status;
            quell_regs_pkg::MEM_READ_LO:     reg_rdata_o <= read_q[31:0];
            quell_regs_pkg::MEM_READ_HI:     reg_rdata_o <= read_q[63:32];
            quell_regs_pkg::MEM_CTRL_ADDR:   reg_rdata_o <= {16'd0, ctrl_addr_q};
            quell_regs_pkg::CNT_MEM_READ:    reg_rdata_o <= count_bytes_read_i;
            quell_regs_pkg::CNT_MEM_WRITTEN: reg_rdata_o <= count_bytes_written_i;
            quell_regs_pkg::CNT_LOAD_WAIT:   reg_rdata_o <= load_wait_q;
            default:                         reg_rdata_o <= '0;
        endcase
    end
endmodule

`default_nettype wire
