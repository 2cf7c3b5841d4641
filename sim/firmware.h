// SPDX-License-Identifier: Apache-2.0
// The firmware of a simulated chip: built in, or from a file of 32-bit hexadecimal words, one a line.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

inline std::vector<uint32_t> load_firmware(const std::string &path)
{
    static const uint32_t EMBEDDED[] = {
#include "firmware.inc"
    };
    if (path.empty())
        return {std::begin(EMBEDDED), std::end(EMBEDDED)};
    FILE *file = fopen(path.c_str(), "r");
    if (!file)
        throw std::runtime_error(path + ": " + strerror(errno));
    std::vector<uint32_t> words;
    unsigned word;
    while (fscanf(file, "%x", &word) == 1)
        words.push_back(word);
    bool whole = feof(file);
    fclose(file);
    if (!whole || words.empty())
        throw std::runtime_error(path + ": not a firmware image");
    return words;
}

// Into the Verilated memory of the processor (empty path: the built-in one); throws std::runtime_error.
template <class Memory> void store_firmware(const std::string &path, Memory &memory)
{
    std::vector<uint32_t> words = load_firmware(path);
    if (words.size() > sizeof memory.m_storage / sizeof memory.m_storage[0])
        throw std::runtime_error("the firmware is larger than the memory");
    for (size_t i = 0; i < words.size(); i++)
        memory.m_storage[i] = words[i];
}
