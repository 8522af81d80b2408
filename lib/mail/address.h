/* Address lists of headers, in linear time and without recursion, however broken. */
#ifndef LK_MAIL_ADDRESS_H
#define LK_MAIL_ADDRESS_H

#include "lib/mail/mail.h"

enum { LK_ADDRESSES_MOST = 5000 };

/*
 * Appends the addresses of a raw header value (RFC 5322, groups flattened) as lk_address. False
 * when there were more than the list may hold.
 */
bool lk_addresses_parse(const char *value, size_t n, GPtrArray *addresses);

/* Has it something on both sides of an '@'? */
bool lk_address_is_usable(const lk_address *address);

#endif
