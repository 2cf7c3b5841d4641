// SPDX-License-Identifier: Apache-2.0
// The least and the greatest difference d = code - z_v that the ADC and all units up to post give: what is left of -128 and 127 when z_v is
// taken away, so that every d is a code, or all nine bits. qa_low and qa_high in libquell.
// Contract: outputs follow the settings a cycle later, and are constant as they are.
`default_nettype none

module code_limits (
    input  wire        clk_i,
    input  wire  [7:0] cfg_z_v_i,     // s7.0
    input  wire        cfg_adc_wide_i,
    output logic [8:0] d_lo_o,        // s8.0
    output logic [8:0] d_hi_o         // s8.0
);
    wire [7:0] above = 8'd127 - cfg_z_v_i;  // 0...255

    always_ff @(posedge clk_i) begin
        d_hi_o <= cfg_adc_wide_i ? 9'h0ff : {1'b0, above};
        d_lo_o <= cfg_adc_wide_i ? 9'h100 : {1'b1, above} + 9'd1;  // 255 below
    end
endmodule

`default_nettype wire
