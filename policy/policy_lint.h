/* policy_lint.h - what a careful writer of a policy would want to know before it is signed.
 *
 * Pure: policy and time in, sentences out. Nothing here is an error: the schema knows those. */
#ifndef POLICY_POLICY_LINT_H
#define POLICY_POLICY_LINT_H

#include <stdint.h>

#include "policy/policy_doc.h"

/* The next warning, in a fixed order; *at begins at 0. NULL: no more. */
const char *policy_lint_next(const struct policy *policy, uint64_t now_wall_s, unsigned *at);

#endif
