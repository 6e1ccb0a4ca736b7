/* supervisor_wait_up.h - wait, in a forked child, until nft has brought a link up behind its rules.
 *
 * Programs that serve a link would bring it up themselves: before its egress chain stands, if we let
 * them. */
#ifndef ROLES_SUPERVISOR_WAIT_UP_H
#define ROLES_SUPERVISOR_WAIT_UP_H

/* Returns when the link of this namespace is administratively up, however long that takes; ends the
 * process when it cannot watch. word: how messages name the program. */
void supervisor_wait_up(const char *word, const char *ifname);

#endif
