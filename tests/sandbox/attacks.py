"""Programs that try to get out, to harm, or to disturb what comes after them.

Each prints `BREACH ...` if it got what it wanted; the arena also checks what it did to the host and to the
next program. All are bounded: even without a sandbox they bring nothing down. The arena fills in `<name>`.
"""

from dataclasses import dataclass

PRELUDE = """
import ctypes, errno, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def breach(what):
    print("BREACH", what, flush=True)
def attempt(what, action):
    try:
        action()
    except (OSError, MemoryError, ValueError, RuntimeError, ImportError, AttributeError):
        return
    breach(what)
def call(x86, arm, *args):
    number = x86 if os.uname().machine == "x86_64" else arm
    return libc.syscall(number, *args)
def refused(what, x86, arm, *args):
    if call(x86, arm, *args) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        breach(what + " " + str(ctypes.get_errno()))
"""


@dataclass(frozen=True)
class Attack:
    """A program, the weakest level at which it is judged, and how it should end if that is known."""

    name: str
    program: str
    from_level: int = 2
    """The weakest level that contains it: level 2 lets only names and metadata through."""
    statuses: tuple[str, ...] = ()


NETWORK = {
    "tcp_connect": """
import socket
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", <tcp>), timeout=1).sendall(b"x"))
""",
    "tcp6_connect": """
import socket
attempt("tcp6", lambda: socket.socket(socket.AF_INET6).connect(("::1", <tcp>)))
""",
    "udp_send": """
import socket
attempt("udp", lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", <udp>)))
""",
    "tcp_listen": """
import socket
attempt("listen", lambda: socket.create_server(("127.0.0.1", 0)))
""",
    "http_request": """
import urllib.request
attempt("http", lambda: urllib.request.urlopen("http://127.0.0.1:<tcp>/", timeout=1))
""",
    "name_lookup": """
import socket
attempt("lookup", lambda: socket.getaddrinfo("example.org", 80))
""",
    "unix_socket": """
import socket
attempt("unix", lambda: socket.socket(socket.AF_UNIX).connect("<folder>/stream"))
""",
    "unix_abstract": """
import socket
attempt("abstract", lambda: socket.socket(socket.AF_UNIX).connect("\\0<abstract>"))
""",
    "unix_datagram_from_pair": """
import socket
def send():
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.sendto(b"x", "<folder>/datagram")
attempt("datagram", send)
""",
    "unix_connect_of_pair": """
import socket
def connect():
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.connect("<folder>/datagram")
    left.send(b"x")
attempt("connect", connect)
""",
    "message_with_address": """
import socket
def send():
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.sendmsg([b"x"], [], 0, "<folder>/datagram")
attempt("sendmsg", send)
""",
    "raw_socket": """
import socket
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3))
attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
""",
    "io_uring": """
parameters = ctypes.create_string_buffer(120)
refused("io_uring", 425, 425, 8, parameters)
""",
}

FILES = {
    "read_secret": 'print(open("<folder>/secret").read())',
    "read_by_openat2": """
import struct
fd = call(437, 437, -100, b"<folder>/secret", struct.pack("QQQ", 0, 0, 0), ctypes.c_size_t(24))
if fd >= 0:
    print(os.read(fd, 100).decode())
""",
    "read_by_handle": """
handle, mount = ctypes.create_string_buffer(200), ctypes.byref(ctypes.c_int())
refused("name_to_handle", 303, 264, -100, b"/", handle, mount, 0)
refused("open_by_handle", 304, 265, -100, handle, 0)
""",
    "read_etc": """
for path in ("/etc/passwd", "/etc/shadow", "/etc/hosts", "/root/.bashrc", "/var/log/dpkg.log"):
    attempt(path, lambda: open(path).read())
""",
    "list_folders": """
for path in ("<folder>", "/home", "/root", "/var", "/etc", "/proc", "/sys"):
    attempt("list " + path, lambda: os.listdir(path))
""",
    "climb_out": """
for up in range(1, 12):
    attempt("climb", lambda: open("../" * up + "<folder>/secret").read())
    attempt("climb to etc", lambda: open("../" * up + "etc/passwd").read())
""",
    "symlink_out": """
def read():
    os.symlink("<folder>/secret", "link")
    print(open("link").read())
attempt("symlink", read)
""",
    "hard_link": 'attempt("link", lambda: os.link("<folder>/secret", "<folder>/linked"))',
    "write_file": 'attempt("write", lambda: open("<folder>/written", "w").write("x"))',
    "append_to_file": 'attempt("append", lambda: open("<folder>/secret", "a").write("x"))',
    "truncate_file": 'attempt("truncate", lambda: os.truncate("<folder>/secret", 0))',
    "remove_file": 'attempt("unlink", lambda: os.unlink("<folder>/secret"))',
    "rename_file": 'attempt("rename", lambda: os.rename("<folder>/secret", "<folder>/renamed"))',
    "make_folder": 'attempt("mkdir", lambda: os.mkdir("<folder>/made"))',
    "change_mode": 'attempt("chmod", lambda: os.chmod("<folder>/secret", 0o777))',
    "change_owner": 'attempt("chown", lambda: os.chown("<folder>/secret", 1, 1))',
    "change_times": 'attempt("utime", lambda: os.utime("<folder>/secret", (1, 1)))',
    "change_attributes": 'attempt("xattr", lambda: os.setxattr("<folder>/secret", "user.x", b"x"))',
    "change_device_times": 'attempt("null", lambda: os.utime("/dev/null", (1, 1)))',
    "make_device": """
attempt("device", lambda: os.mknod("memory", 0o020666, os.makedev(1, 1)) or open("memory", "rb").read(1))
attempt("fifo", lambda: os.mkfifo("<folder>/fifo"))
""",
    "chroot": 'attempt("chroot", lambda: os.chroot("/"))',
    "mount": """
refused("mount", 165, 40, b"x", b"/box/tmp", b"tmpfs", 0, 0)
refused("umount", 166, 39, b"/", 2)
refused("open_tree", 428, 428, -100, b"/", 1)
refused("pivot_root", 155, 41, b".", b".")
""",
    "remount_writable": 'refused("remount", 165, 40, 0, b"/", 0, 32 | 4096, 0)',
    "proc_root": """
for pid in ("1", "self", "<host>", "<victim>"):
    attempt("root", lambda: os.listdir("/proc/" + pid + "/root"))
    attempt("cwd", lambda: os.listdir("/proc/" + pid + "/cwd/.."))
    attempt("fd", lambda: os.listdir("/proc/" + pid + "/fd"))
""",
    "inherited_descriptors": """
import stat
for fd in range(3, 4096):
    attempt("descriptor " + str(fd), lambda: os.fstat(fd))
for fd in (0, 1, 2):
    kind = os.fstat(fd).st_mode
    if not (stat.S_ISFIFO(kind) or stat.S_ISCHR(kind)):
        breach("standard descriptor")
""",
    "watch_files": """
refused("inotify", 294, 26, 0)
refused("fanotify", 300, 262, 0, 0)
""",
    "shared_memory_folder": 'attempt("shm", lambda: open("/dev/shm/<abstract>", "w").write("x"))',
    "temporary_folders": """
for folder in ("/var/tmp", "/run", "/run/user/0", "/dev", "/home", "/"):
    attempt(folder, lambda: open(folder + "/jz3-sandbox-attack", "w").write("x"))
""",
}

# What level 2 cannot hide: that a path exists, and how large it is.
METADATA = {
    "stat_secret": 'attempt("stat", lambda: os.stat("<folder>/secret"))',
    "access_secret": 'os.access("<folder>/secret", os.F_OK) and breach("access")',
    "read_link": 'attempt("readlink", lambda: os.readlink("<folder>/pointer"))',
}

ENVIRONMENT = {
    "environment": "print(dict(os.environ))",
    "environment_in_memory": """
block = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
number = 0
while block[number]:
    print(block[number])
    number += 1
""",
    "environment_of_host": """
for pid in ("self", "1", "<host>", "<victim>"):
    for name in ("environ", "cmdline", "maps", "mem", "status"):
        attempt(pid + " " + name, lambda: open("/proc/" + pid + "/" + name, "rb").read(10))
""",
    "who_is_the_user": """
import getpass, pathlib
for action in (getpass.getuser, pathlib.Path.home):
    try:
        print(action())
    except Exception as error:
        print(type(error).__name__)
attempt("keys", lambda: open(os.path.expanduser("~/.ssh/id_rsa")).read())
""",
}

PROCESSES = {
    "fork": """
def fork():
    if os.fork() == 0:
        time.sleep(3)
        os._exit(0)
attempt("fork", fork)
""",
    "vfork_raw": 'refused("vfork", 58, 1079, 0) if os.uname().machine == "x86_64" else None',
    "clone_raw": """
result = call(56, 220, 17, 0, 0, 0, 0)
if result == 0:
    time.sleep(3)
    os._exit(0)
if result > 0:
    breach("clone")
""",
    "clone3_raw": """
import struct
arguments = struct.pack("QQQQQQQQ", 0, 0, 0, 0, 17, 0, 0, 0)
result = call(435, 435, arguments, ctypes.c_size_t(64))
if result == 0:
    os._exit(0)
if result > 0:
    breach("clone3")
""",
    "spawn": 'attempt("spawn", lambda: os.posix_spawn("/bin/true", ["true"], {}))',
    "execute": """
attempt("exec", lambda: os.execv(sys.executable, ["python", "-c", "print('BREACH exec')"]))
""",
    "subprocess": """
import subprocess
attempt("subprocess", lambda: subprocess.run(["/bin/sh", "-c", "echo BREACH shell"], check=False))
attempt("python", lambda: subprocess.run([sys.executable, "-c", "print(1)"], check=False))
""",
    "system": 'os.system("echo BREACH system; touch <folder>/written")',
    "memfd_execute": """
fd = call(319, 279, b"x", 0)
if fd >= 0:
    breach("memfd")
refused("execveat", 322, 281, 1, b"", 0, 0, 0x1000)
""",
    "daemon": """
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(4)
            open("<folder>/written", "w").close()
        os._exit(0)
attempt("daemon", daemon)
""",
    "fork_bomb": """
def grow(left):
    for _ in range(4):
        if os.fork() == 0:
            if left:
                grow(left - 1)
            time.sleep(2)
            os._exit(0)
attempt("bomb", lambda: grow(2))
""",
    "multiprocessing": """
import multiprocessing
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    attempt("process", lambda: context.Process(target=print, args=("BREACH",)).start())
    attempt("semaphore", lambda: context.Lock())
""",
    "thread_bomb": """
import threading
threading.stack_size(65536)
stop, threads = threading.Event(), []
try:
    for _ in range(600):
        threads.append(threading.Thread(target=stop.wait, daemon=True))
        threads[-1].start()
    if <threads_bounded>:
        breach("600 threads")
except (RuntimeError, MemoryError):
    pass
os._exit(0)
""",
    "real_time_priority": """
attempt("scheduler", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
attempt("nice", lambda: os.nice(-5))
attempt("priority", lambda: os.setpriority(os.PRIO_USER, 0, -1))
""",
    "affinity_of_others": 'attempt("affinity", lambda: os.sched_setaffinity(<host>, {0}))',
}

SIGNALS = {
    "kill_host": 'attempt("kill", lambda: os.kill(<host>, 0))',
    "kill_victim": 'attempt("kill", lambda: os.kill(<victim>, 10))',
    "kill_all": 'attempt("kill all", lambda: os.kill(-1, 0))',
    "kill_group": """
attempt("group", lambda: os.killpg(os.getpgrp(), 0))
attempt("own group", lambda: os.kill(0, 0))
""",
    "kill_zygote": """
for pid in {os.getppid(), 1, 2} - {os.getpid(), 0}:
    attempt("zygote", lambda: os.kill(pid, 9))
""",
    "stop_zygote": """
for pid in {os.getppid(), 1, 2} - {os.getpid(), 0}:
    attempt("zygote", lambda: os.kill(pid, 19))
""",
    "scan_processes": """
for pid in range(1, 5000):
    if pid != os.getpid():
        attempt("pid " + str(pid), lambda: os.kill(pid, 0))
""",
    "signal_by_thread": """
refused("tkill", 200, 130, <victim>, 10)
refused("tgkill", 234, 131, <victim>, <victim>, 10)
""",
    "signal_by_queue": 'refused("sigqueue", 129, 138, <victim>, 10, ctypes.create_string_buffer(128))',
    "signal_by_pidfd": """
refused("pidfd_open", 434, 434, <victim>, 0)
refused("pidfd_send_signal", 424, 424, 3, 10, 0, 0)
refused("pidfd_getfd", 438, 438, 3, 0, 0)
""",
    "signal_by_owner": """
import fcntl
def own():
    left, right = os.pipe()
    fcntl.fcntl(left, fcntl.F_SETOWN, <victim>)
attempt("owner", own)
""",
    "trace": """
refused("attach", 101, 117, 16, <victim>, 0, 0)
refused("seize zygote", 101, 117, 0x4206, os.getppid() or 1, 0, 0)
""",
    "read_other_memory": """
buffer = ctypes.create_string_buffer(8)
refused("vm_readv", 310, 270, <victim>, buffer, 1, buffer, 1, 0)
refused("vm_writev", 311, 271, os.getppid() or 1, buffer, 1, buffer, 1, 0)
refused("kcmp", 312, 272, <victim>, os.getpid(), 0, 0, 0)
refused("madvise", 440, 440, 3, buffer, 1, 4, 0)
""",
    "change_limits_of_others": """
refused("prlimit", 302, 261, <victim>, 7, 0, ctypes.create_string_buffer(16))
""",
}

# The program before each attack prints `neighbour-` and the secret of the host, and has it in its source.
NEIGHBOURS = {
    "neighbour_in_frames": """
import gc
seen, frame = [], sys._getframe()
while frame is not None:
    seen += [repr(value)[:100_000] for value in frame.f_locals.values()]
    frame = frame.f_back
seen += [repr(thing)[:100_000] for thing in gc.get_objects() if type(thing) in (dict, list, tuple)]
for text in seen:
    place = text.find("neighbour" + "-")
    if place >= 0:
        print(text[place:place + 60])
""",
    "neighbour_in_memory": """
# What is no memory gives an error here, where reading it would end the program.
import re
reader, writer = os.pipe()
os.set_blocking(writer, False)
step = 1 << 16
wanted = re.compile(b"neighbour" + b"-[0-9a-f]{32}")
last = time.monotonic() + 0.4
in_libc = ctypes.addressof(ctypes.c_int.in_dll(libc, "optind"))
for middle in (id(object()), id(sys), id(bytes(100_000)), in_libc):
    for address in range((middle >> 16 << 16) - 64 * step, (middle >> 16 << 16) + 256 * step, step):
        if time.monotonic() > last:
            break
        size = libc.write(writer, ctypes.c_void_p(address), ctypes.c_size_t(step))
        if size > 0:
            for found in wanted.findall(os.read(reader, size)):
                print(found)
""",
    "neighbour_on_standard_input": """
import fcntl
attempt("input can be written to", lambda: os.write(0, b"x"))
for flags in (os.O_NONBLOCK, os.O_APPEND, os.O_NONBLOCK | os.O_APPEND):
    try:
        fcntl.fcntl(0, fcntl.F_SETFL, flags)
        os.lseek(0, 12345, 0)
    except OSError:
        pass
""",
    "locks": """
import fcntl, struct
lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
for path in (0, "/dev/null", os.__file__, sys.executable, "."):
    try:
        fd = os.open(path, os.O_RDONLY) if path else 0
    except OSError:
        continue
    attempt("flock", lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB))
    attempt("flock shared", lambda: fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB))
    for command in (6, 7, 37, 38, 1024, 1026):
        attempt("lock " + str(command), lambda: fcntl.fcntl(fd, command, lock))
    attempt("lockf", lambda: fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB))
""",
    "many_locks": """
import fcntl, struct
held = 0
try:
    with open("/dev/null", "w") as file:
        for number in range(25_000):
            fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 2 * number, 1, 0))
            held += 1
except OSError:
    pass
if held:
    breach(str(held) + " locks")
""",
    "wake_through_a_library": """
import mmap
with open(os.__file__, "rb") as file:
    page = mmap.mmap(file.fileno(), 4096, access=mmap.ACCESS_COPY)
word = ctypes.c_void_p(ctypes.addressof(ctypes.c_int.in_dll(libc, "optind")))
for command in (1, 3, 4, 5, 10):
    refused("wake " + str(command), 202, 98, word, command, 1, 0, word, 0)
""",
    "what_the_worker_was_told": """
frame, seen = sys._getframe(), [*sys.orig_argv, *sys.argv, *os.environ.values()]
while frame is not None:
    seen += [repr(value) for value in {**frame.f_globals, **frame.f_locals}.values() if not callable(value)]
    frame = frame.f_back
for text in seen:
    if "jz3-" + "sandbox" in text or "library_" + "paths" in text:
        breach("told " + text[:80])
""",
}

# Memory of the kernel, and memory that no address-space limit counts.
KERNEL_MEMORY = {
    "descriptors_of_threads": """
import mmap
if os.uname().machine == "x86_64":
    pause = bytes([0xB8, 34, 0, 0, 0, 0x0F, 0x05, 0xEB, 0xF7])
    code = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
    code.write(pause)
    stack = ctypes.create_string_buffer(4096)
    place = ctypes.addressof(ctypes.c_char.from_buffer(code))
    ctypes.c_void_p.from_buffer(stack, 2048).value = place
    top = ctypes.c_void_p(ctypes.addressof(stack) + 2048)
    thread = 0x100 | 0x800 | 0x10000
    for name, flags in (("all of its own", thread), ("files", thread | 0x200), ("folder", thread | 0x400)):
        if libc.syscall(56, ctypes.c_ulong(flags), top, 0, 0, 0) > 0:
            breach("a thread with its own: " + name)
    time.sleep(0.1)
""",
    "descriptors_unshared": """
refused("close_range", 436, 436, 1000, 1000, 2)
refused("close_range", 436, 436, 1000, 1000, 6)
refused("unshare", 272, 97, 0x400)
""",
    "socket_buffers": """
import socket
held, pairs = 0, []
try:
    while True:
        pairs.append(socket.socketpair())
        for end in pairs[-1]:
            end.setblocking(False)
            try:
                while True:
                    held += end.send(bytes(1 << 16))
            except BlockingIOError:
                pass
except OSError:
    pass
try:
    pairs[0][0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
    breach("a larger buffer")
except OSError:
    pass
if held > 24 << 20:
    breach("sockets hold " + str(held))
""",
    "socket_buffers_of_threads": """
import socket, threading
held = []
def fill():
    pairs, count = [], 0
    libc.syscall(436, 3, 1023, 2)
    try:
        while True:
            pairs.append(socket.socketpair())
            for end in pairs[-1]:
                end.setblocking(False)
                try:
                    while True:
                        count += end.send(bytes(1 << 16))
                except BlockingIOError:
                    pass
    except OSError:
        held.append(count)
        time.sleep(0.2)
threads = [threading.Thread(target=fill) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if sum(held) > 24 << 20:
    breach("sockets hold " + str(sum(held)))
os._exit(0)
""",
    "shared_pages_kept_by_one": """
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
def keep(flags, fd, name):
    size, kept = 40 << 20, 0
    for _ in range(6):
        place = libc.mmap(None, size, 1 if fd >= 0 else 3, flags, fd, 0)
        if place in (None, ctypes.c_void_p(-1).value):
            return
        if fd >= 0:
            sum(ctypes.string_at(place + page, 1)[0] for page in range(0, size, 4096))
        else:
            ctypes.memset(place, 1, size)
        libc.munmap(ctypes.c_void_p(place + 4096), ctypes.c_size_t(size - 4096))
        kept += size
        if kept > 128 << 20:
            breach(name + " keeps " + str(kept))
            return
keep(0x21, -1, "a shared mapping")
keep(0x23, -1, "a validated one")
for mode in (os.O_RDONLY, os.O_RDWR):
    try:
        keep(0x01, os.open("/dev/zero", mode), "a device")
    except OSError:
        pass
""",
    "huge_pages_kept_by_one": """
import resource
libc.mmap.restype = ctypes.c_void_p
size, huge = 60 << 20, 2 << 20
for advice in (14, 25):
    place = libc.mmap(None, ctypes.c_size_t(size), 3, 0x22, -1, ctypes.c_long(0))
    if place in (None, ctypes.c_void_p(-1).value):
        break
    start = -(-place // huge) * huge
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    if advice == 14:
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size - huge), advice)
    ctypes.memset(start, 1, size - huge)
    if advice == 25 and libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size - huge), advice) == 0:
        breach("collapsed")
    if resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 1000:
        breach("huge pages")
    libc.munmap(ctypes.c_void_p(place), ctypes.c_size_t(size))
""",
    "page_tables": """
libc.mmap.restype = libc.mremap.restype = ctypes.c_void_p
near = libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, ctypes.c_long(0))
far = 0
for number in range(1, 64):
    place = number << 36
    for flags in (0x22, 0x32, 0x100022):
        got = libc.mmap(ctypes.c_void_p(place), ctypes.c_size_t(4096), 3, flags, -1, ctypes.c_long(0))
        far += got == place
    moved = libc.mremap(ctypes.c_void_p(near), ctypes.c_size_t(4096), ctypes.c_size_t(4096), 3,
                        ctypes.c_void_p(place + (1 << 30)))
    far += moved == place + (1 << 30)
if far:
    breach(str(far) + " pages far apart")
""",
    "reserved_huge_pages": """
libc.mmap.restype = ctypes.c_void_p
for flags in (0x40022, 0x122):
    if libc.mmap(None, ctypes.c_size_t(2 << 20), 3, flags, -1, ctypes.c_long(0)) != ctypes.c_void_p(-1).value:
        breach("mapping " + hex(flags))
""",
    "pipe_buffers": """
import fcntl
for size in (1 << 20, 1 << 16, 4096):
    attempt("pipe of " + str(size), lambda: fcntl.fcntl(os.pipe()[1], 1031, size))
refused("vmsplice", 278, 75, 1, 0, 0, 0)
refused("splice", 275, 76, 0, 0, 1, 0, 1, 0)
refused("tee", 276, 77, 0, 1, 1, 0)
refused("sendfile", 40, 71, 1, 0, 0, 1)
""",
    "descriptors_in_flight": """
import array, socket
def send():
    left, right = socket.socketpair()
    socket.send_fds(left, [b"x"], [0])
attempt("descriptors in flight", send)
""",
    "timers_and_queues": """
refused("timerfd", 283, 85, 1, 0)
refused("signalfd", 289, 74, -1, 0, 8, 0)
refused("inotify", 294, 26, 0)
refused("add_key", 248, 217, b"user", b"x", b"x", 1, -3)
refused("sigqueue", 129, 138, os.getpid(), 40, ctypes.create_string_buffer(128))
refused("mq_open", 240, 180, b"/x", 0o102, 0o600, 0)
refused("seccomp notifier", 317, 277, 1, 8, 0)
""",
    "watches": """
import select
watched, pollers = 0, []
try:
    for _ in range(30):
        pollers.append(select.epoll())
        for fd in range(64):
            try:
                pollers[-1].register(fd)
                watched += 1
            except OSError:
                pass
except OSError:
    pass
if watched > 64 * 64:
    breach(str(watched) + " watches")
""",
    "merged_pages": """
block = bytearray(1 << 20)
place = (id(block) >> 12 << 12)
refused("mergeable", 28, 233, ctypes.c_void_p(place), ctypes.c_size_t(4096), 12)
""",
}

# A budget of 128 MB: no program may hold 200 MB.
MEMORY = {
    "memory_bytes": 'block = bytearray(200 << 20); breach("200 MB")',
    "memory_list": """
blocks = []
while len(blocks) < 50:
    blocks.append(bytes(4 << 20))
breach("200 MB")
""",
    "memory_numpy": """
import numpy
block = numpy.ones((200 << 20) // 8)
breach("200 MB")
""",
    "memory_mapped": """
import mmap
block = mmap.mmap(-1, 200 << 20)
breach("200 MB shared")
""",
    "memory_in_files": """
import mmap
blocks = []
for number in range(30):
    with open("file" + str(number), "wb") as file:
        file.truncate(15 << 20)
        for _ in range(15):
            file.write(bytes(1 << 20))
if sum(os.path.getsize("file" + str(n)) for n in range(30)) > 64 << 20:
    breach("scratch of more than 64 MB")
""",
    "memory_memfd": """
fd = call(319, 279, b"x", 0)
if fd >= 0:
    os.write(fd, bytes(1 << 20))
    breach("memfd")
refused("secret memory", 447, 447, 0)
""",
    "memory_sysv": """
refused("shmget", 29, 194, 0, ctypes.c_size_t(1 << 20), 0o1600)
refused("semget", 64, 190, 0, 1, 0o1600)
refused("msgget", 68, 186, 0, 0o1600)
refused("mq_open", 240, 180, b"/x", 0o102, 0o600, 0)
""",
    "memory_limit_raised": """
import resource
def raise_limit():
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
attempt("limit", raise_limit)
attempt("200 MB", lambda: bytearray(200 << 20))
""",
    "memory_of_children": """
def hold():
    for _ in range(3):
        if os.fork() == 0:
            block = bytearray(150 << 20)
            time.sleep(2)
            os._exit(0)
attempt("children", hold)
""",
    "memory_of_threads": """
import threading
blocks = []
def hold():
    blocks.append(bytearray(25 << 20))
threads = [threading.Thread(target=hold) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if len(blocks) == 8:
    breach("200 MB")
""",
    "memory_in_pipes": """
import fcntl
held = 0
try:
    for _ in range(2000):
        left, right = os.pipe()
        os.set_blocking(right, False)
        try:
            fcntl.fcntl(right, 1031, 1 << 20)
        except OSError:
            pass
        held += os.write(right, bytes(1 << 20))
except OSError:
    pass
if held > 16 << 20:
    breach("pipes hold " + str(held))
""",
    "memory_locked": """
if libc.mlockall(3) == 0:
    breach("locked")
""",
    "memory_by_exponent": "print(len(str(10 ** (10 ** 9))))",
    "memory_by_repetition": 'block = "x" * (1 << 33)',
    "kernel_objects": """
refused("keyring", 248, 217, b"user", b"x", b"x", 1, -3)
refused("keyctl", 250, 219, 0, -3, 0)
refused("timer", 222, 107, 0, 0, ctypes.create_string_buffer(8))
refused("userfaultfd", 323, 282, 0)
refused("aio", 206, 0, 10, ctypes.create_string_buffer(8))
""",
}

DISK = {
    "fill_scratch": """
try:
    with open("big", "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    breach("64 MB written")
except OSError:
    pass
""",
    "fill_inodes": """
try:
    for number in range(6000):
        os.close(os.open("f" + str(number), os.O_CREAT | os.O_WRONLY))
    breach("6000 files")
except OSError:
    pass
""",
    "sparse_file": """
def make():
    with open("sparse", "wb") as file:
        file.truncate(1 << 40)
attempt("sparse", make)
""",
    "deep_folders": """
try:
    for _ in range(3000):
        os.mkdir("d")
        os.chdir("d")
except OSError:
    pass
""",
    "many_descriptors": """
fds = []
try:
    while len(fds) < 2000:
        fds.append(os.open("/dev/null", os.O_RDONLY))
    breach("2000 descriptors")
except OSError:
    pass
""",
    "write_to_installation": """
import sympy
for folder in (os.path.dirname(os.__file__), os.path.dirname(sympy.__file__), sys.prefix, "/usr/lib"):
    attempt(folder, lambda: open(folder + "/jz3_attack.py", "w").write("x"))
""",
}

OUTPUT = {
    "output_flood": 'while True:\n    print("x" * 1000)',
    "output_flood_errors": 'while True:\n    print("x" * 1000, file=sys.stderr)',
    "output_one_line": 'print("x" * (64 << 20))',
    "output_raw": 'while True:\n    os.write(1, b"y" * 65536)',
    "output_bytes": "os.write(1, bytes(range(256)))",
    "output_closed": 'os.close(1); os.close(2); print("x", flush=True)',
    "output_closed_then_loop": "os.close(1); os.close(2)\nwhile True: pass",
    "output_terminal_codes": 'print("\\033]0;x\\007\\033[2J\\0\\r\\u202e")',
    "output_inject": 'attempt("inject", lambda: __import__("fcntl").ioctl(0, 0x5412, b"x"))',
    "output_surrogates": 'print("\\ud800")',
}

CRASHES = {
    "segfault": "ctypes.string_at(0)",
    "abort": "os.abort()",
    "stack_overflow": """
sys.setrecursionlimit(10 ** 9)
def deep(value):
    return [deep(value)].__repr__()
deep(1)
""",
    "deep_parse": 'compile("(" * 100000, "x", "exec")',
    "bad_bytecode": """
def function():
    pass
function.__code__ = function.__code__.replace(co_code=b"\\xff" * 64, co_stacksize=0)
function()
""",
    "exit_at_once": "os._exit(97)",
    "exit_with_text": 'sys.exit("text")',
    "kill_self": "os.kill(os.getpid(), 9)",
    "stop_self": "os.kill(os.getpid(), 19)",
    "alarm": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.1)\ntime.sleep(5)",
    "endless_loop": "while True: pass",
    "sleep": "time.sleep(1000)",
    "catch_everything": """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
    "endless_exit": "import atexit\natexit.register(lambda: time.sleep(1000))",
    "endless_thread": "import threading\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
    "endless_regular_expression": 'import re\nre.match("(a+)+$", "a" * 40 + "b")',
    "raise_in_hook": """
def hook(*args):
    raise SystemExit(0)
sys.excepthook = hook
1 / 0
""",
    "broken_standard_streams": "sys.stdout = sys.stderr = None\n1 / 0",
    "system_exit_in_finalizer": """
class Last:
    def __del__(self):
        os._exit(3)
last = Last()
""",
    "input": "input()",
    "null_byte": "print(1)\0",
    "not_python": "this is no python",
    "endless_source": "x = 1\n" * 200000,
}

PRIVILEGES = {
    "become_root": """
attempt("setuid", lambda: os.setuid(0))
attempt("setgid", lambda: os.setgid(0))
attempt("setgroups", lambda: os.setgroups([0]))
""",
    "new_namespaces": """
for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x2000000, 0x80):
    refused("unshare " + hex(flag), 272, 97, flag)
refused("setns", 308, 268, 3, 0)
result = call(56, 220, 0x10000000 | 17, 0, 0, 0, 0)
if result == 0:
    os._exit(0)
if result > 0:
    breach("clone into namespace")
""",
    "capabilities": """
import struct
refused("capset", 126, 91, struct.pack("Ii", 0x20080522, 0), bytes(b"\\xff" * 24))
for option, value in ((8, 1), (24, 0), (47, 2), (4, 1), (1, 0), (22, 1)):
    if libc.prctl(option, value, 0, 0, 0) == 0:
        breach("prctl " + str(option))
""",
    "kernel_interfaces": """
refused("bpf", 321, 280, 0, 0, 0)
refused("perf", 298, 241, 0, 0, -1, -1, 0)
refused("kexec", 246, 104, 0, 0, 0, 0)
refused("module", 175, 105, 0, 0, b"")
refused("syslog", 103, 116, 3, 0, 0)
refused("reboot", 169, 142, 1, 2, 3, 0)
refused("swapoff", 168, 225, b"/nowhere")
refused("hostname", 170, 161, b"sandbox", 7)
refused("clock", 159, 171, 0)
refused("personality", 135, 92, 0x40000)
refused("quota", 179, 60, 0, 0, 0, 0)
refused("accounting", 163, 89, 0)
""",
    "old_calling_conventions": """
import mmap
if os.uname().machine == "x86_64":
    if libc.syscall(0x40000000 + 39) >= 0:
        breach("x32")
    code = mmap.mmap(-1, 4096, prot=7)
    code.write(bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3]))
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    breach("int 0x80 gave " + str(ctypes.CFUNCTYPE(ctypes.c_int)(address)()))
""",
    "loosen_landlock": """
import struct
rules = call(444, 444, struct.pack("QQQ", 4, 0, 0), ctypes.c_size_t(24), 0)
if rules >= 0:
    call(446, 446, rules, 0)
    attempt("secret", lambda: print(open("<folder>/secret").read()))
""",
    "another_filter": """
refused("seccomp", 317, 277, 1, 0, 0)
if libc.prctl(22, 0, 0, 0, 0) == 0:
    breach("filter off")
""",
}

# Judged by the next program: it must find nothing changed.
POISON = {
    "poison_sympy": """
import sympy
sympy.sin = sympy.cos
sympy.Integer.__add__ = lambda self, other: 42
sympy.S.One.p = 5
sympy.core.cache.clear_cache()
""",
    "poison_builtins": """
import builtins
builtins.print = lambda *args: None
builtins.sum = lambda *args: 42
builtins.open = None
""",
    "poison_modules": """
for name in ("json", "math", "random", "os", "numpy"):
    sys.modules[name] = None
sys.path[:] = []
sys.meta_path.clear()
""",
    "poison_by_name": """
for name in ("sympy", "math", "random", "decimal", "sitecustomize", "usercustomize"):
    try:
        with open(name + ".py", "w") as file:
            file.write("raise SystemExit('BREACH poisoned')")
        with open("/tmp/" + name + ".py", "w") as file:
            file.write("raise SystemExit('BREACH poisoned')")
    except OSError:
        pass
""",
    "poison_numbers": """
import ctypes
ctypes.memset(id(7) + 24, 9, 1)
""",
    "poison_state": """
import decimal, locale, random, signal, warnings
random.seed(99)
decimal.getcontext().prec = 2
sys.setrecursionlimit(50)
sys.set_int_max_str_digits(0)
warnings.simplefilter("error")
os.environ["PYTHONPATH"] = "/nowhere"
os.umask(0o777)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdout = None
os.chdir("/")
""",
    "leave_files": """
try:
    os.makedirs("a/b/c")
    open("a/b/c/left", "w").write("x")
    os.mkfifo("pipe")
    os.chmod("a", 0)
except OSError:
    pass
""",
}

FORGERY = {
    "forge_frames": """
import json, struct
body = json.dumps({"stdout": "FORGED", "stderr_tail": "", "exit_code": 0, "signal": 0, "stopped": "",
                   "setup_error": ""}).encode()
for fd in range(3, 1024):
    attempt("descriptor " + str(fd), lambda: os.write(fd, struct.pack("<I", len(body)) + body))
""",
    "forge_status": """
for fd in (3, 4, 5, 6, 7, 8, 100, 101, 102):
    attempt("status", lambda: os.write(fd, b"R"))
sys.exit(97)
""",
    "forge_through_zygote": """
import gc, sys
frame = sys._getframe()
while frame is not None:
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if name in ("jobs", "endings", "watch", "out", "err", "status") and isinstance(value, int):
            attempt("frame descriptor", lambda: os.write(value, b"x"))
        if name == "write_frame":
            for fd in range(3, 300):
                attempt("write_frame", lambda: value(fd, {"stdout": "FORGED"}))
    frame = frame.f_back
""",
    "return_into_zygote": """
import sys
frame = sys._getframe()
while frame.f_back is not None:
    frame = frame.f_back
run = frame.f_globals.get("main")
if run:
    try:
        run()
    except BaseException:
        pass
""",
    "swallow_exit": """
os._exit = lambda code: None
import atexit, threading
threading._shutdown = lambda: None
atexit.register(lambda: print("late"))
""",
    "duplicate_descriptors": """
for target in range(3, 60):
    try:
        os.dup2(1, target)
    except OSError:
        pass
os.write(3, b"R")
""",
}

_STATUSES = {
    "endless_loop": ("timeout",),
    "sleep": ("timeout",),
    "catch_everything": ("timeout",),
    "endless_exit": ("timeout",),
    "endless_thread": ("timeout",),
    "stop_self": ("timeout",),
    "output_closed_then_loop": ("timeout",),
    "endless_regular_expression": ("timeout",),
    "alarm": ("killed",),
    "kill_self": ("killed",),
    "segfault": ("killed",),
    "abort": ("killed",),
    "memory_bytes": ("memory",),
    "memory_by_repetition": ("memory",),
    "memory_list": ("memory",),
    "memory_numpy": ("memory",),
    "output_flood": ("output-limit",),
    "output_flood_errors": ("output-limit",),
    "output_one_line": ("output-limit", "memory"),
    "output_raw": ("output-limit",),
    "read_secret": ("error",),
    "exit_with_text": ("error",),
    "exit_at_once": ("error",),
    "not_python": ("error",),
    "null_byte": ("error",),
    "input": ("error",),
}

_GROUPS = {
    "network": NETWORK,
    "files": FILES,
    "metadata": METADATA,
    "environment": ENVIRONMENT,
    "processes": PROCESSES,
    "signals": SIGNALS,
    "neighbours": NEIGHBOURS,
    "kernel_memory": KERNEL_MEMORY,
    "memory": MEMORY,
    "disk": DISK,
    "output": OUTPUT,
    "crashes": CRASHES,
    "privileges": PRIVILEGES,
    "poison": POISON,
    "forgery": FORGERY,
}
_WITHOUT_PRELUDE = ("null_byte", "not_python", "endless_source")

ATTACKS = [
    Attack(
        name=f"{group}/{name}",
        program=program if name in _WITHOUT_PRELUDE else PRELUDE + program,
        from_level=3 if group == "metadata" else 2,
        statuses=_STATUSES.get(name, ()),
    )
    for group, programs in _GROUPS.items()
    for name, program in programs.items()
]
