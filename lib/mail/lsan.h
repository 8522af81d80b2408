/* Leaks of libraries that are known and bounded, kept out of the reports of sanitizer builds. */
#ifndef LK_MAIL_LSAN_H
#define LK_MAIL_LSAN_H

#ifdef LUUKKU_SANITIZE
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable()
#define __lsan_enable()
#endif

#endif
