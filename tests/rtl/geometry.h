// SPDX-License-Identifier: Apache-2.0
// Where the array's windows lie (docs/geometry.md), for the benches of the window unit and of the array.
#pragma once
#include <cstdint>

enum { CONV3X3 = 0, CONV1X1 = 1, DEPTHWISE = 2 };

struct Geometry {
    int mode = CONV3X3;
    int stride_y = 1, stride_x = 1;
    int pad_top = 0, pad_left = 0;
    int win_h = 1, win_w = 1;   // windows of an output
    int step_y = 0, step_x = 0; // from window to window

    int side() const { return mode == CONV1X1 ? 1 : 3; }
    int windows() const { return win_h * win_w; }
    // Rows and columns from the first tap to the last.
    int reach_y() const { return (win_h - 1) * step_y + side(); }
    int reach_x() const { return (win_w - 1) * step_x + side(); }
    // Row and column of the first tap of window (wy, wx) of output (y, x).
    int row(int y, int wy) const { return y * stride_y + wy * step_y - pad_top; }
    int column(int x, int wx) const { return x * stride_x + wx * step_x - pad_left; }

    template <class D> void set(D &d) const
    {
        d.cfg_mode_i = mode, d.cfg_stride_y_i = stride_y - 1, d.cfg_stride_x_i = stride_x - 1, d.cfg_win_h_i = win_h - 1, d.cfg_win_w_i = win_w - 1;
        d.cfg_step_y_i = step_y, d.cfg_step_x_i = step_x, d.cfg_pad_top_i = pad_top, d.cfg_pad_left_i = pad_left;
    }
};

// What networks have (half of the time: a 3x3 or 1x1 kernel of stride 1 or 2), and anything at all.
template <class T> Geometry random_geometry(T &tb)
{
    Geometry g;
    g.mode = tb.between(0, 2);
    bool plain = tb.coin(0.5);
    g.stride_y = tb.between(1, plain ? 2 : 8), g.stride_x = plain ? g.stride_y : tb.between(1, 8);
    if (!plain) {
        g.win_h = tb.between(1, tb.coin(0.1) ? 16 : 4), g.win_w = tb.between(1, tb.coin(0.1) ? 16 : 4);
        g.step_y = tb.coin(0.5) ? g.side() : tb.between(1, tb.coin(0.2) ? 63 : 5), g.step_x = tb.coin(0.5) ? g.side() : tb.between(1, tb.coin(0.2) ? 63 : 5);
    }
    if (!plain || g.mode != CONV1X1) {
        int most = plain ? 1 : tb.coin(0.2) ? 63 : 6;
        g.pad_top = tb.between(0, most), g.pad_left = tb.between(0, most);
    }
    return g;
}

// An output side for an input: the last window begins inside the image, or there is one output.
template <class T> int random_side(T &tb, int in, int stride, int pad, int reach)
{
    int fit = in + pad - reach, most = in + pad - 1; // offsets of a last window wholly inside, and just inside
    int offset = fit < 0 ? tb.between(0, most) : tb.coin(0.7) ? fit : tb.between(fit, most);
    return offset / stride + 1;
}
