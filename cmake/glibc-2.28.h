/* Put in front of every file of a prebuilt addon: what glibc has newer versions of since 2.28 is asked
 * for in the one that 2.28 has. scripts/lib/elf.js finds what is missing here. */
#ifndef SEA_GLIBC_2_28_H
#define SEA_GLIBC_2_28_H

#include <sys/stat.h>

#if defined(__x86_64__)
#define SEA_FIRST "GLIBC_2.2.5"
#define SEA_SETNAME "GLIBC_2.12"
#define SEA_STAT_VERSION 1
#elif defined(__aarch64__)
#define SEA_FIRST "GLIBC_2.17"
#define SEA_SETNAME SEA_FIRST
#define SEA_STAT_VERSION 0
#endif

#define SEA_PIN(name, version) __asm__(".symver " #name "," #name "@" version)

SEA_PIN(dlclose, SEA_FIRST);
SEA_PIN(dlopen, SEA_FIRST);
SEA_PIN(dlsym, SEA_FIRST);
SEA_PIN(pthread_create, SEA_FIRST);
SEA_PIN(pthread_join, SEA_FIRST);
SEA_PIN(pthread_setname_np, SEA_SETNAME);
SEA_PIN(pthread_sigmask, SEA_FIRST);

/* stat() was a macro for this before 2.33. */
int __xstat(int version, const char *path, struct stat *status);
SEA_PIN(__xstat, SEA_FIRST);
#define stat(path, status) __xstat(SEA_STAT_VERSION, path, status)

#endif
