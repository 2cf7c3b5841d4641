// SPDX-License-Identifier: Apache-2.0
// Reset of one clock domain: asserted at once by async_i, released 32 clocks after it ends, in step with the clock.
// Only the two flip-flops of the synchroniser see the asynchronous signal.
`default_nettype none

module reset_sync (
    input  wire logic clk_i,
    // asynchronous, active high
    input  wire logic async_i,
    output logic      rst_o
);
  (* async_reg = "true" *) logic [1:0] sync_q;
  logic [5:0] wait_q;  // bit 5: released

  always_ff @(posedge clk_i or posedge async_i) begin
    if (async_i) sync_q <= 2'b11;
    else sync_q <= {sync_q[0], 1'b0};
  end

  always_ff @(posedge clk_i) begin
    if (sync_q[1]) wait_q <= '0;
    else if (!wait_q[5]) wait_q <= wait_q + 1;
    rst_o <= !wait_q[5];
  end
endmodule

`default_nettype wire
