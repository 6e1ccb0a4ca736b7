/* nft_tell.h - what was found changed by others goes to the supervisor, and the process to its end. */
#ifndef ROLES_NFT_TELL_H
#define ROLES_NFT_TELL_H

#include "base/msg.h"
#include "netguard/rulewatch.h"

/* The supervisor keeps it until it is in the audit log, whoever ends meanwhile. It may be gone itself, or
 * not read: then our successor closes as well, and nobody is left to tell. */
void nft_tell(const struct msg_tamper *found);

/* Tell what (all but a switch), and end. The uplinks are down. */
_Noreturn void nft_tell_and_end(enum net_tamper what, const struct rulewatch_who *who);

#endif
