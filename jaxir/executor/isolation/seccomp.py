"""A system call filter (seccomp, Linux) for a process that runs foreign code: no processes, no sockets, no reach.

Landlock closes the file system, but not what this list denies: making processes, signals to others, sockets, changes of
a file's mode, owner or times, mounts, memory that outlives its maker, limits. A denied call fails with EPERM, so Python
raises `PermissionError`. Everything else is allowed: XLA uses threads, and which calls it makes is not ours to say.

Numbers: Linux 6.12, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. Program format:
Linux Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import Final

#: Denied calls: name to the numbers of (x86_64, aarch64); -1 where a machine lacks it.
DENIED: Final[dict[str, tuple[int, int]]] = {
    # other programs and processes
    "fork": (57, -1), "vfork": (58, -1), "execve": (59, 221), "execveat": (322, 281),
    # signals beyond `kill` and `tgkill` to oneself, and other ways into a process
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "process_madvise": (440, 440), "pidfd_getfd": (438, 438),
    "perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282),
    # the network, and a way around this filter
    "socket": (41, 198), "io_uring_setup": (425, 425),
    # what Landlock leaves open in the file system
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, -1), "fchown": (93, 55), "lchown": (94, -1), "fchownat": (260, 54),
    "utime": (132, -1), "utimes": (235, -1), "futimesat": (261, -1), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "file_setattr": (469, 469), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268),
    # memory and queues that outlive the process
    "shmget": (29, 194), "shmctl": (31, 195), "semget": (64, 190), "semctl": (66, 191), "msgget": (68, 186),
    "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181),
    # limits and priorities, one's own and those of others
    "setrlimit": (160, 164), "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274), "sched_setparam": (142, 118), "sched_setaffinity": (203, 122),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
    # the machine, where the user is root
    "reboot": (169, 142), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "swapon": (167, 224), "swapoff": (168, 225),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, -1), "ioperm": (173, -1), "acct": (163, 89),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "syslog": (103, 116), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "vhangup": (153, 58),
}  # fmt: skip

#: Calls that are denied or not by their arguments.
_CLONE: Final = (56, 220)
_CLONE3: Final = (435, 435)
_KILL: Final = (62, 129)
_TGKILL: Final = (234, 131)
_PRLIMIT64: Final = (302, 261)
_FCNTL: Final = (72, 25)
_IOCTL: Final = (16, 29)

#: Machine name to AUDIT_ARCH_* and the column of the tables.
_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

# Opcodes of classic BPF: load a word, jump if equal / at least / any bit set, return.
_LOAD, _EQUAL, _AT_LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
# Offsets in `struct seccomp_data`; words of an argument are little-endian.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_CLONE_THREAD = 0x00010000
# Whom a file or a socket sends which signal when it is ready: another process too.
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_FIOSETOWN, _SIOCSPGRP = 0x8901, 0x8902
_X32 = 0x40000000

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2

_Instruction = tuple[int, int, int, int]  # opcode, jump if true, jump if false, operand


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _program(machine: str, pid: int) -> list[_Instruction]:
    """The filter of one process."""
    architecture, column = _ARCHITECTURES[machine]
    allow, deny = (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERRNO | errno.EPERM)

    def when(number: int, body: list[_Instruction]) -> list[_Instruction]:
        return [(_EQUAL, 0, len(body), number), *body]

    only_me: list[_Instruction] = [(_LOAD, 0, 0, _ARGUMENTS), (_EQUAL, 0, 1, pid), allow, deny]
    only_threads: list[_Instruction] = [(_LOAD, 0, 0, _ARGUMENTS), (_BITS, 0, 1, _CLONE_THREAD), allow, deny]
    only_reading: list[_Instruction] = [
        (_LOAD, 0, 0, _ARGUMENTS + 16), (_EQUAL, 0, 3, 0), (_LOAD, 0, 0, _ARGUMENTS + 20), (_EQUAL, 0, 1, 0),
        allow, deny,
    ]  # fmt: skip

    def commands_but(*denied: int) -> list[_Instruction]:
        """By the second argument, of which the kernel reads one word."""
        tests = [(_EQUAL, len(denied) - place, 0, command) for place, command in enumerate(denied)]
        return [(_LOAD, 0, 0, _ARGUMENTS + 8), *tests, allow, deny]

    program: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
    ]  # fmt: skip
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32), deny]
    # The C library falls back to `clone`, whose flags can be seen; those of `clone3` are behind a pointer.
    program += when(_CLONE3[column], [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)])
    program += when(_CLONE[column], only_threads)
    program += when(_KILL[column], only_me) + when(_TGKILL[column], only_me)
    program += when(_PRLIMIT64[column], only_reading)
    program += when(_FCNTL[column], commands_but(_F_SETOWN, _F_SETSIG, _F_SETOWN_EX))
    program += when(_IOCTL[column], commands_but(_FIOSETOWN, _SIOCSPGRP))
    for numbers in DENIED.values():
        if numbers[column] >= 0:
            program += when(numbers[column], [deny])
    return [*program, allow]


def install() -> bool:
    """Filter the system calls of this thread and those it starts, for good; False where the system has no seccomp."""
    machine = platform.machine()
    if not sys.platform.startswith("linux") or machine not in _ARCHITECTURES:
        return False
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in _program(machine, os.getpid()))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    program = _Filter(len(packed) // 8, packed)
    return not libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)
