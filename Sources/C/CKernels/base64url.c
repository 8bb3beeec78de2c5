// Bytes as letters: 12 at a time where the processor shuffles bytes (Mula, Lemire, "Faster Base64 Encoding and Decoding
// using AVX2 Instructions", 2018).
#include "serin_base64url.h"
#include "kernels.h"

#include <string.h>

static size_t text_length(size_t count) { return (count * 4 + 2) / 3; }

size_t serin_base64url_scalar(const uint8_t *bytes, size_t count, uint8_t *text) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t last[3] = {0};
    for (size_t i = 0; i < count; i += 3, text += 4) {
        const uint8_t *three = bytes + i;
        if (count - i < 3) three = memcpy(last, three, count - i);
        const uint32_t group = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];
        text[0] = (uint8_t)letters[group >> 18];
        text[1] = (uint8_t)letters[group >> 12 & 63];
        text[2] = (uint8_t)letters[group >> 6 & 63];
        text[3] = (uint8_t)letters[group & 63];
    }
    return text_length(count);
}

#if defined(__x86_64__)
#include <immintrin.h>

/// What is added to a number below 64 to make it its letter, by class: 26 letters, the others of the letters, 10 digits.
#define CLASSES _mm_setr_epi8(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -17, 32, 65, 0, 0)

__attribute__((target("avx2"))) static size_t with_shuffles(const uint8_t *bytes, size_t count, uint8_t *text) {
    const __m128i spread = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (size_t i = 0; i < count; i += 12, text += 16) {
        __m128i twelve = _mm_loadu_si128((const __m128i_u *)(bytes + i));
        // What lies behind the bytes must not show in the last letter.
        if (count - i < 12) twelve = _mm_and_si128(twelve, _mm_cmpgt_epi8(_mm_set1_epi8((char)(count - i)), places));
        const __m128i pairs = _mm_shuffle_epi8(twelve, spread);
        const __m128i even = _mm_mulhi_epu16(_mm_and_si128(pairs, _mm_set1_epi32(0x0fc0fc00)), _mm_set1_epi32(0x04000040));
        const __m128i odd = _mm_mullo_epi16(_mm_and_si128(pairs, _mm_set1_epi32(0x003f03f0)), _mm_set1_epi32(0x01000010));
        const __m128i numbers = _mm_or_si128(even, odd);
        // 0 for the second 26, 1 to 10 for digits, 11 and 12 for the marks, 13 for the first 26.
        __m128i class = _mm_subs_epu8(numbers, _mm_set1_epi8(51));
        class = _mm_or_si128(class, _mm_and_si128(_mm_cmpgt_epi8(_mm_set1_epi8(26), numbers), _mm_set1_epi8(13)));
        _mm_storeu_si128((__m128i_u *)text, _mm_add_epi8(numbers, _mm_shuffle_epi8(CLASSES, class)));
    }
    return text_length(count);
}

size_t serin_base64url(const uint8_t *bytes, size_t count, uint8_t *text) {
    return (serin_level() >= SERIN_LEVEL_AVX2 ? with_shuffles : serin_base64url_scalar)(bytes, count, text);
}
#else
size_t serin_base64url(const uint8_t *bytes, size_t count, uint8_t *text) {
    return serin_base64url_scalar(bytes, count, text);
}
#endif
