/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command channel between host and device: one file for both ends.
 *
 * A byte stream in each direction. The host sends requests; every request gets exactly one answer, in order, with the request's
 * opcode and sequence number. Up to QP_WINDOW requests may be under way. All numbers are little-endian. crc is CRC-32 (IEEE 802.3,
 * reflected, as zlib's crc32) over the first 20 header bytes followed by the payload. A request that is not understood changes
 * nothing on the device; its answer names the field. After an error in magic, version, length or CRC the device drops bytes until the
 * line has been silent for QP_RESYNC_CYCLES clock cycles or a valid header follows.
 */
#ifndef QUELL_PROTOCOL_H
#define QUELL_PROTOCOL_H

#include <assert.h>
#include <stdint.h>

#define QP_MAGIC 0x31505151u /* "QQP1" */
#define QP_VERSION 1u
#define QP_MAX_PAYLOAD 8192u /* bytes; the device's message buffer is this plus a header */
#define QP_MAX_LAYERS 64u
#define QP_MAX_LOADS 192u
#define QP_WINDOW 2u
#define QP_RESYNC_CYCLES 2000000u

enum qp_opcode {
    QP_INFO = 1,     /* any sequence number: sets the one expected next. -> struct qp_info */
    QP_WRITE = 2,    /* struct qp_write, then 32-bit lanes -> empty. Refused (QP_BUSY) while an image runs */
    QP_READ = 3,     /* struct qp_read -> bytes of activation memory. Waits until the device is idle */
    QP_TABLE = 4,    /* struct qp_table, then count layer entries (struct layer_rf images) -> empty */
    QP_IMAGE = 5,    /* struct qp_image, then h*w*c input codes, NHWC int8 -> struct qp_result, then the logits (int8, classes) */
    QP_COUNTERS = 6, /* -> QP_COUNTER_COUNT 32-bit counters since the last QP_TABLE, in register order */
    QP_ABORT = 7,    /* stops what runs, forgets queued images -> empty */
    QP_REPEAT = 8,   /* struct qp_image: the image of the last QP_IMAGE once more, with another seed or inference number -> as QP_IMAGE */
    QP_PROGRAM = 9,  /* struct qp_program, then its loads (struct qp_load), for the table sent before -> empty. Refused (QP_BUSY) while an image runs */
};

enum qp_status {
    QP_OK = 0,
    QP_BAD_MAGIC = 1,
    QP_BAD_VERSION = 2,
    QP_BAD_CRC = 3,
    QP_BAD_LENGTH = 4,
    QP_BAD_SEQUENCE = 5,
    QP_BAD_OPCODE = 6,
    QP_BAD_FIELD = 7, /* struct qp_error says which */
    QP_BUSY = 8,
    QP_NO_TABLE = 9,   /* QP_IMAGE or QP_REPEAT before QP_TABLE */
    QP_TIMEOUT = 10,   /* the rest of a message did not come */
    QP_ABORTED = 11,
    QP_INTERNAL = 12,  /* the device's own fault, e.g. its units did not finish */
    QP_NO_IMAGE = 13,  /* QP_REPEAT, and no image lies whole in its buffer: none has come since INFO or TABLE, or layers or a WRITE to activations take its place */
    QP_BAD_PROGRAM = 14, /* the external memory does not hold the program: another checksum */
};

/* Memories for qp_write. index counts words, lane counts 32-bit lanes in a word. */
enum qp_memory {
    QP_MEM_ACTIVATION = 0, /* 2 lanes */
    QP_MEM_WEIGHT = 1,     /* CONV_CORES*9/4 lanes: byte core*9 + tap */
    QP_MEM_CONSTANT = 2,   /* 10 lanes: two channels of (bias, M | S << 24, G, o, a | b << 16) */
    QP_MEM_DN_PAIR = 3,    /* 3*MB/2 + 7 lanes, MB = BOTTLENECK_MAX: W1, Wu, Wv (byte j*2 + parity), D (byte parity*9 + tap, 5 lanes), Cv even, Cv odd */
    QP_MEM_DN_ROW = 4,     /* MB/2*5 + 2 lanes: for each pair of inputs j: W2 (byte (j&1)*9 + tap, 18 bytes in 5 lanes); then B1, B2 */
    QP_MEM_TABLE = 5,      /* 64 lanes: the codes of an activation table, byte q & 255 for the code q */
    QP_MEM_EXTERNAL = 6,   /* 2 lanes; a program's words for the memories above, from word 0 on (docs/plan.md) */
    QP_MEM_COUNT
};

struct qp_header {
    uint32_t magic;
    uint16_t version;
    uint16_t opcode;
    uint32_t sequence;
    uint32_t length; /* payload bytes */
    uint32_t status; /* enum qp_status; 0 in requests */
    uint32_t crc;
};
static_assert(sizeof(struct qp_header) == 24, "qp_header");

struct qp_error { /* payload of every answer whose status is not QP_OK */
    uint32_t where; /* enum qp_where */
    uint32_t index; /* layer number, or word index */
    uint32_t field; /* for QP_WHERE_LAYER: byte offset in the layer entry * 32 + lowest bit of the field */
    uint32_t value;
    uint32_t limit; /* largest legal value, or the value expected */
};
static_assert(sizeof(struct qp_error) == 20, "qp_error");

enum qp_where { QP_WHERE_HEADER = 0, QP_WHERE_WRITE = 1, QP_WHERE_READ = 2, QP_WHERE_TABLE = 3, QP_WHERE_LAYER = 4, QP_WHERE_IMAGE = 5, QP_WHERE_DEVICE = 6, QP_WHERE_PROGRAM = 7 /* index: the load's number */ };
/* For the other places `field` is the byte offset of the member in its struct. */

struct qp_info {
    uint32_t version; /* major << 16 | minor << 8 | patch */
    uint32_t build;
    uint32_t cores;
    uint32_t bottleneck_max;
    uint32_t act_words;
    uint32_t weight_words;
    uint32_t const_words;
    uint32_t row_words;
    uint32_t dn_pair_words;
    uint32_t dn_row_words;
    uint32_t line_words;
    uint32_t max_payload;
    uint32_t tables; /* activation tables; 0: none */
    uint32_t ext_words; /* external memory, words of 64 bit; 0: none */
    uint32_t program[2]; /* name of the program that the memories hold: that of the last QP_PROGRAM, 0 after a QP_WRITE that is not to activations */
};

struct qp_write {
    uint32_t memory; /* enum qp_memory */
    uint32_t index;  /* first word */
    uint32_t words;  /* whole words follow, all lanes of each */
};

struct qp_read {
    uint32_t index; /* first activation word */
    uint32_t words;
};

struct qp_table {
    uint32_t count;
    uint32_t image_h, image_w, image_c; /* as sent: without padding */
    uint32_t image_pad;                 /* zero pixels around, added by the device */
    uint32_t input_addr[2];             /* two input buffers, used in turn; layers whose in_addr is input_addr[0] follow */
    uint32_t logits_addr;               /* activation word of the result */
    uint32_t classes;                   /* bytes of the result */
    int32_t pad_code;                   /* input code of the padding (the code of pixel 0), -128...127 */
};

struct qp_program {
    uint32_t name[2];   /* the sender's, a hash of all that was written; nothing but both 0 is no name */
    uint32_t ext_words; /* the program's words in the external memory, from word 0 on */
    uint32_t ext_crc;   /* CRC-32 of their bytes */
    uint32_t loads;     /* number of struct qp_load that follow */
};

/* Words that the device copies from the external memory before a layer of every image. In ascending order of `after`: then nothing can wait for what is behind it. */
struct qp_load {
    uint32_t source; /* first word in the external memory; the lanes follow one another as in a QP_WRITE */
    uint16_t index, words; /* in the memory that is filled */
    uint8_t memory;  /* enum qp_memory, QP_MEM_WEIGHT to QP_MEM_TABLE */
    uint8_t layer;   /* that needs them */
    int8_t after;    /* may begin when all layers before this one have ended; below 0: so many before the last image's end. layer + 1 - count...layer */
    uint8_t zero;
};
static_assert(sizeof(struct qp_load) == 12, "qp_load");

struct qp_image {
    uint32_t inference; /* inference number: random counter */
    uint32_t seed;      /* noise seed: random key */
    uint32_t layers;    /* run so many layers, 1...count; logits are valid only if all ran */
};

struct qp_result {
    uint32_t cycles; /* clock cycles from the first layer's start to the last one's end */
    uint32_t macs_lo, macs_hi;
};

#define QP_COUNTER_COUNT 12u

#endif
