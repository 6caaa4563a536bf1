"""Numbers of the system calls that the filter knows, by machine; tests compare them with libseccomp.

Names that a machine lacks are left out for it (aarch64 has no `open`, only `openat`).
"""

# fmt: off
X86_64: dict[str, int] = {
    "read": 0, "write": 1, "readv": 19, "writev": 20, "pread64": 17, "pwrite64": 18, "preadv": 295,
    "pwritev": 296, "close": 3, "close_range": 436, "lseek": 8, "dup": 32, "dup2": 33, "dup3": 292,
    "pipe": 22, "pipe2": 293, "fcntl": 72, "ioctl": 16, "fsync": 74, "fdatasync": 75,
    "fadvise64": 221, "poll": 7, "ppoll": 271, "select": 23, "pselect6": 270, "epoll_create1": 291,
    "epoll_ctl": 233, "epoll_wait": 232, "epoll_pwait": 281, "epoll_pwait2": 441, "eventfd2": 290,
    "copy_file_range": 326, "openat": 257, "stat": 4, "fstat": 5, "lstat": 6, "newfstatat": 262, "statx":
    332, "statfs": 137, "fstatfs": 138, "access": 21, "faccessat": 269, "faccessat2": 439, "getcwd": 79,
    "chdir": 80, "fchdir": 81, "getdents": 78, "getdents64": 217, "readlink": 89, "readlinkat": 267,
    "umask": 95, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "unlink": 87, "unlinkat": 263, "rename": 82,
    "renameat": 264, "renameat2": 316, "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266,
    "truncate": 76, "ftruncate": 77, "open": 2, "creat": 85, "chmod": 90, "fchmod": 91, "fchmodat": 268,
    "utimes": 235, "utimensat": 280, "mmap": 9, "munmap": 11, "mprotect": 10, "mremap": 25, "msync": 26,
    "madvise": 28, "brk": 12, "futex": 202, "set_robust_list": 273, "set_tid_address": 218,
    "rseq": 334, "membarrier": 324, "clone": 56, "clone3": 435, "gettid": 186, "sched_yield": 24,
    "sched_getaffinity": 204, "sched_setaffinity": 203, "sched_get_priority_max": 146,
    "sched_get_priority_min": 147, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
    "rt_sigpending": 127, "rt_sigtimedwait": 128, "rt_sigsuspend": 130, "sigaltstack": 131,
    "restart_syscall": 219, "pause": 34, "alarm": 37, "getitimer": 36, "setitimer": 38, "kill": 62,
    "tgkill": 234, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "nanosleep": 35,
    "gettimeofday": 96, "time": 201, "times": 100, "getpid": 39, "getppid": 110, "getpgrp": 111,
    "getpgid": 121, "getsid": 124, "getuid": 102, "geteuid": 107, "getgid": 104, "getegid": 108,
    "getresuid": 118, "getresgid": 120, "getgroups": 115, "getrlimit": 97, "prlimit64": 302, "getrusage":
    98, "sysinfo": 99, "uname": 63, "prctl": 157, "arch_prctl": 158, "getcpu": 309, "wait4": 61, "waitid":
    247, "exit": 60, "exit_group": 231, "getrandom": 318, "socketpair": 53, "sendto": 44, "recvfrom": 45,
    "getsockname": 51, "getsockopt": 55, "shutdown": 48,
}

AARCH64: dict[str, int] = {
    "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67, "pwrite64": 68, "preadv": 69,
    "pwritev": 70, "close": 57, "close_range": 436, "lseek": 62, "dup": 23, "dup3": 24, "pipe2": 59,
    "fcntl": 25, "ioctl": 29, "fsync": 82, "fdatasync": 83, "fadvise64": 223, "ppoll": 73,
    "pselect6": 72, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "epoll_pwait2": 441,
    "eventfd2": 19, "copy_file_range": 285, "openat": 56, "fstat": 80, "newfstatat": 79, "statx": 291,
    "statfs": 43, "fstatfs": 44, "faccessat": 48, "faccessat2": 439, "getcwd": 17, "chdir": 49, "fchdir":
    50, "getdents64": 61, "readlinkat": 78, "umask": 166, "mkdirat": 34, "unlinkat": 35, "renameat": 38,
    "renameat2": 276, "linkat": 37, "symlinkat": 36, "truncate": 45, "ftruncate": 46, "fchmod": 52,
    "fchmodat": 53, "utimensat": 88, "mmap": 222, "munmap": 215, "mprotect": 226, "mremap": 216, "msync":
    227, "madvise": 233, "brk": 214, "futex": 98, "set_robust_list": 99,
    "set_tid_address": 96, "rseq": 293, "membarrier": 283, "clone": 220, "clone3": 435, "gettid": 178,
    "sched_yield": 124, "sched_getaffinity": 123, "sched_setaffinity": 122, "sched_get_priority_max": 125,
    "sched_get_priority_min": 126, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
    "rt_sigpending": 136, "rt_sigtimedwait": 137, "rt_sigsuspend": 133, "sigaltstack": 132,
    "restart_syscall": 128, "getitimer": 102, "setitimer": 103, "kill": 129, "tgkill": 131,
    "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "nanosleep": 101, "gettimeofday":
    169, "times": 153, "getpid": 172, "getppid": 173, "getpgid": 155, "getsid": 156, "getuid": 174,
    "geteuid": 175, "getgid": 176, "getegid": 177, "getresuid": 148, "getresgid": 150, "getgroups": 158,
    "getrlimit": 163, "prlimit64": 261, "getrusage": 165, "sysinfo": 179, "uname": 160, "prctl": 167,
    "getcpu": 168, "wait4": 260, "waitid": 95, "exit": 93, "exit_group": 94, "getrandom": 278,
    "socketpair": 199, "sendto": 206, "recvfrom": 207, "getsockname": 204, "getsockopt": 209, "shutdown":
    210,
}
# fmt: on
