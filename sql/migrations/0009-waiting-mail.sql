-- Mail that waited: luukku-send asks whether the wait that a reminder belongs to is over. Mail that came
-- back because it is too large for its recipient goes again without its attachments.

GRANT SELECT ON stage TO luukku_send;
GRANT UPDATE (form) ON outbox TO luukku_fetch, luukku_lmtp;
