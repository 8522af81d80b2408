#include "lib/mail/compose.h"
