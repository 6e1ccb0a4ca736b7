/* util.h - the few one-liners that every file wants. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))

#endif
