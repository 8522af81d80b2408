-- Mail that waited: luukku-send asks whether the wait that a reminder belongs to is over.

GRANT SELECT ON stage TO luukku_send;
