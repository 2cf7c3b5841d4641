// SPDX-License-Identifier: Apache-2.0
// Angle of Box-Muller: |cos| and |sin| of 2 pi (u1 + 1/2)/2^16 and their signs. One table gives both at the middle of a segment of a 512th of a
// quadrant; a rotation by the small rest of the angle gives them at the angle itself.
// Contract: equals angle() of host/lib/box_muller.c: |error| <= 2^-17. Latency 4 enabled clocks. Table: tools/gen_box_muller.py.
`default_nettype none

module box_muller_angle (
    input  wire logic        clk_i,
    input  wire logic        ce_i,
    input  wire logic [15:0] u1_i,
    output      logic [17:0] cos_o,       // Q0.18
    output      logic [17:0] sin_o,
    output      logic        cos_sign_o,  // 1: negative
    output      logic        sin_sign_o
);
    // Quadrants 1 and 3 run backwards, so that cosine and sine keep their places.
    wire [13:0] index = u1_i[13:0] ^ {14{u1_i[14]}};

    logic [35:0] entry;
    wire [17:0] c = entry[17:0];   // Q0.18
    wire [17:0] s = entry[35:18];
    box_muller_angle_rom table_rom (.clk_i, .ce_i, .addr_i(index[13:5]), .data_o(entry));

    // The rest of the angle, s.20, in radians
    logic signed [11:0] turn;
    box_muller_turn_rom turn_rom (.clk_i, .ce_i, .addr_i(index[4:0]), .data_o(turn));

    logic signed [30:0] s_turn_q, c_turn_q;  // Q.38
    logic [17:0] c_q, s_q;
    logic [3:0]  cos_sign_q, sin_sign_q;

    // Two bits more than the result; + 2 rounds.
    wire [19:0] cos_d = {c_q, 2'd2} - {{7{s_turn_q[30]}}, s_turn_q[30:18]};
    wire [19:0] sin_d = {s_q, 2'd2} + {{7{c_turn_q[30]}}, c_turn_q[30:18]};

    always_ff @(posedge clk_i) begin
        if (ce_i) begin
            s_turn_q <= $signed({1'b0, s}) * turn;
            c_turn_q <= $signed({1'b0, c}) * turn;
            c_q      <= c;
            s_q      <= s;

            cos_o    <= cos_d[19:2];
            sin_o    <= sin_d[19:2];

            cos_sign_q <= {cos_sign_q[2:0], u1_i[15] ^ u1_i[14]};
            sin_sign_q <= {sin_sign_q[2:0], u1_i[15]};
        end
    end
    assign cos_sign_o = cos_sign_q[3];
    assign sin_sign_o = sin_sign_q[3];

    wire unused = &{1'b0, s_turn_q[17:0], c_turn_q[17:0], cos_d[1:0], sin_d[1:0]};
endmodule

`default_nettype wire
