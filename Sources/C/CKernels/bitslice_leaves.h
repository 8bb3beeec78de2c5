// From planes of indices to sums: indices a byte a row, and a register of leaves looked up at once.
//
// Eight planes interleaved byte by byte bring the eight bytes of the same eight rows together, and each
// such 8 × 8 square of bits is turned in place: 512 indices in 32 AVX-512 instructions.  A leaf then is
// 4 or 8 byte look-ups, interleaved to numbers: 64 floats of 64 leaves take 12 instructions (vpermb) and
// of 256 leaves 20 (vpermi2b), where gathers take 90 cycles.
//
// Written once for both widths; the file that includes it says what it works with:
//
//     vec, LANES, OP(NAME)                its registers: _mm512_ or _mm256_ NAME
//     load(from), store(to, vec)
//     transpose_bits(vec), WEIGHT(I)      turns squares of bits whose byte I has the bits of WEIGHT(I)
//     look_up(index, table, bits)         a byte of each leaf

/// Planes, highest first, to an index a row; register i has rows 16 i … 16 i + 15 of each lane's.
SERIN_INLINE void turn_planes(const vec *planes, unsigned bits, uint8_t *indices) {
    vec p[8], a[8], b[8];
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 8; i++) p[i] = WEIGHT(i) < bits ? planes[bits - 1 - WEIGHT(i)] : (vec){};
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        a[i] = OP(unpacklo_epi8)(p[2 * i], p[2 * i + 1]);
        a[4 + i] = OP(unpackhi_epi8)(p[2 * i], p[2 * i + 1]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 4)
        for (int pair = 0; pair < 2; pair++) {
            b[i + pair] = OP(unpacklo_epi16)(a[i + 2 * pair], a[i + 2 * pair + 1]);
            b[i + 2 + pair] = OP(unpackhi_epi16)(a[i + 2 * pair], a[i + 2 * pair + 1]);
        }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 2) {
        store(indices + sizeof(vec) * i, transpose_bits(OP(unpacklo_epi32)(b[i], b[i + 1])));
        store(indices + sizeof(vec) * (i + 1), transpose_bits(OP(unpackhi_epi32)(b[i], b[i + 1])));
    }
}

/// Bytes of four numbers each to numbers: found[v] has those of bytes 4 v … 4 v + 3 of each lane.
SERIN_INLINE void join_floats(const vec *bytes, vec *found) {
    vec low[2], high[2];
#pragma clang loop unroll(full)
    for (int pair = 0; pair < 2; pair++) {
        low[pair] = OP(unpacklo_epi8)(bytes[2 * pair], bytes[2 * pair + 1]);
        high[pair] = OP(unpackhi_epi8)(bytes[2 * pair], bytes[2 * pair + 1]);
    }
    found[0] = OP(unpacklo_epi16)(low[0], low[1]);
    found[1] = OP(unpackhi_epi16)(low[0], low[1]);
    found[2] = OP(unpacklo_epi16)(high[0], high[1]);
    found[3] = OP(unpackhi_epi16)(high[0], high[1]);
}

/// A register of indices to `size` registers of numbers of `size` bytes: number e of lane l of register
/// v is that of byte v × 16 / size + e of the lane.
SERIN_INLINE void find(vec index, const uint8_t *leaves, unsigned bits, unsigned size, vec *found) {
    vec bytes[8], halves[8];
#pragma clang loop unroll(full)
    for (unsigned byte = 0; byte < size; byte++) bytes[byte] = look_up(index, leaves + ((size_t)byte << bits), bits);
    if (size == 4) {
        join_floats(bytes, found);
        return;
    }
    join_floats(bytes, halves);
    join_floats(bytes + 4, halves + 4);
#pragma clang loop unroll(full)
    for (int quarter = 0; quarter < 4; quarter++) {
        found[2 * quarter] = OP(unpacklo_epi32)(halves[quarter], halves[4 + quarter]);
        found[2 * quarter + 1] = OP(unpackhi_epi32)(halves[quarter], halves[4 + quarter]);
    }
}

/// Adds the leaves of trees that have one output, in order.
SERIN_INLINE void add_trees(
    const serin_slice_work *work, uint8_t *sums, const uint8_t *indices, const uint8_t *leaves, uint32_t count,
    unsigned bits, unsigned size) {
    const size_t rows = work->words * SERIN_SLICE_ROWS;
    for (size_t row = 0; row < rows; row += sizeof(vec)) {
        uint8_t *own = sums + row * size;
        vec sum[8], found[8];
#pragma clang loop unroll(full)
        for (unsigned v = 0; v < size; v++) sum[v] = load(own + sizeof(vec) * v);
        for (uint32_t tree = 0; tree < count; tree++) {
            find(load(indices + tree * rows + row), leaves + ((size_t)tree << bits) * size, bits, size, found);
#pragma clang loop unroll(full)
            for (unsigned v = 0; v < size; v++)
                sum[v] = size == 4 ? (vec)OP(add_ps)((floats)sum[v], (floats)found[v])
                                   : (vec)OP(add_pd)((doubles)sum[v], (doubles)found[v]);
        }
#pragma clang loop unroll(full)
        for (unsigned v = 0; v < size; v++) store(own + sizeof(vec) * v, sum[v]);
    }
}

/// Adds the leaves of the trees `first` ..< `first + count` of a segment, whose tables are `leaves`.
static void add_leaves(
    const serin_slice_work *work, const serin_slice_segment *segment, uint32_t first, uint32_t count,
    const uint8_t *leaves) {
    const unsigned size = work->forest->header->sum_width == SERIN_FLOAT32 ? 4 : 8;
    const unsigned bits = segment->bits <= 6 ? 6 : segment->bits;
    const size_t rows = work->words * SERIN_SLICE_ROWS;
    const uint16_t *outputs = work->forest->tree_outputs;
    if (outputs) outputs += segment->first_tree + first;
    const uint32_t step = outputs ? 1 : count;
    for (uint32_t tree = 0; tree < count; tree += step) {
        const uint8_t *indices = work->indices + tree * rows;
        const uint8_t *own = leaves + ((size_t)tree << bits) * size;
        uint8_t *sums = work->sums + (outputs ? outputs[tree] : 0) * rows * size;
        switch (bits * 16 + size) {
        case 6 * 16 + 4: add_trees(work, sums, indices, own, step, 6, 4); break;
        case 7 * 16 + 4: add_trees(work, sums, indices, own, step, 7, 4); break;
        case 8 * 16 + 4: add_trees(work, sums, indices, own, step, 8, 4); break;
        case 6 * 16 + 8: add_trees(work, sums, indices, own, step, 6, 8); break;
        case 7 * 16 + 8: add_trees(work, sums, indices, own, step, 7, 8); break;
        case 8 * 16 + 8: add_trees(work, sums, indices, own, step, 8, 8); break;
        }
    }
}
