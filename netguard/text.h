/* text.h - hostile bytes as short printable text, and comparing names.
 *
 * Pure: bounded, no locale. */
#ifndef NETGUARD_TEXT_H
#define NETGUARD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copy as much as fits, what is not ASCII 0x20..0x7e as '?'; the rest of ret is zeros. */
void text_printable(char *ret, size_t ret_bytes, const uint8_t *data, size_t len_bytes);

/* "02:00:00:00:00:01" and "192.0.2.1"; ret_bytes at least 18 and 16. */
void text_mac(char *ret, size_t ret_bytes, const uint8_t mac[6]);
void text_ipv4(char *ret, size_t ret_bytes, const uint8_t address[4]);

/* As RFC 5952 4 writes it; ret_bytes at least 40. */
void text_ipv6(char *ret, size_t ret_bytes, const uint8_t address[16]);

/* ret_bytes at least 11. */
void text_decimal(char *ret, size_t ret_bytes, uint32_t value);

/* ASCII letters alike in both cases. */
bool text_equal_fold(const char *a, size_t a_bytes, const char *b, size_t b_bytes);

#endif
