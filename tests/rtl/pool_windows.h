// SPDX-License-Identifier: Apache-2.0
// Where pooling windows lie (docs/geometry.md), for the benches of the pool unit and of the post engine.
#pragma once
#include <algorithm>
#include <cstdint>

// One side of a frame and of its windows.
struct Side {
    int size, kernel, stride, pad, windows;

    int begin(int i) const { return i * stride - pad; }
    int covered(int at) const // by how many windows
    {
        int n = 0;
        for (int i = 0; i < windows; i++)
            n += at >= begin(i) && at < begin(i) + kernel;
        return n;
    }
    int at_once() const { return (kernel + stride - 1) / stride; }
    int end() const { return std::max(size, begin(windows - 1) + kernel); } // of frame and windows
    bool ends(int at) const                                                 // a window there
    {
        for (int i = 0; i < windows; i++)
            if (at == begin(i) + kernel - 1)
                return true;
        return false;
    }
};

// Any that the compiler and the firmware accept.
template <class T> Side random_side(T &tb, int size)
{
    int form = tb.between(0, 5);
    if (form == 0) // the whole side
        return {size, size, (int)tb.between(1, size), 0, 1};
    if (form == 1) { // side by side, what is left over dropped
        int kernel = tb.between(1, size < 4 || tb.between(0, 3) == 0 ? size : 4);
        return {size, kernel, kernel, 0, size / kernel};
    }
    Side s = {size, 0, 0, 0, 1};
    s.kernel = tb.between(1, tb.between(0, 3) ? 5 : size + 9);
    s.stride = tb.between(1, tb.between(0, 3) ? 3 : s.kernel + 3);
    s.pad = tb.between(0, tb.between(0, 1) ? std::min(s.kernel - 1, 15) : 0);
    s.windows = tb.between(0, 2) ? (size + s.pad - 1) / s.stride + 1 : tb.between(1, (size + s.pad - 1) / s.stride + 1); // the last begins inside
    if (tb.between(0, 2) == 0 && size + s.pad >= s.kernel)
        s.windows = (size + s.pad - s.kernel) / s.stride + 1; // the last ends inside
    return s;
}

// The clocks that a frame may take: a pair stays for as many as windows cover it, one where none does; outside the frame a window's pairs where it ends,
// else one for a pixel, or for a row that no window ends in.
inline uint64_t pool_clocks(const Side &y, const Side &x, int pairs)
{
    uint64_t sum = 0;
    for (int j = -y.pad; j < y.end(); j++) {
        bool row = j >= 0 && j < y.size;
        if (!row && !y.ends(j)) {
            sum++;
            continue;
        }
        for (int i = -x.pad; i < (y.ends(j) ? x.end() : x.size); i++) {
            if (row && i >= 0 && i < x.size)
                sum += pairs * std::max(y.covered(j) * x.covered(i), 1);
            else
                sum += y.ends(j) && x.ends(i) ? pairs : 1;
        }
    }
    return sum;
}
