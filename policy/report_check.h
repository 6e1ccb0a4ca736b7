/* report_check.h - the summary of a report: each promise, kept or not, or not to be shown. */
#ifndef POLICY_REPORT_CHECK_H
#define POLICY_REPORT_CHECK_H

struct report;

/* Fill .check and .verdict from all that was gathered. */
void report_check_all(struct report *report);

#endif
