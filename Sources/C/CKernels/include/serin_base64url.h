// Bytes as letters, digits, `-` and `_` (RFC 4648, 5), without padding: 4 letters for 3 bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Readable behind the bytes, and writable behind the text.
#define SERIN_BASE64URL_MARGIN 16

/// Writes the text of `count` bytes; returns how long it is. Both need the margin.
size_t serin_base64url(const uint8_t *bytes, size_t count, uint8_t *text);

/// The same on every machine.
size_t serin_base64url_scalar(const uint8_t *bytes, size_t count, uint8_t *text);
