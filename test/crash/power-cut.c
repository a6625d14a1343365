/*
 * Preloaded below a program (LD_PRELOAD): counts its syncs over all threads, and cuts the power as it enters the n-th of them. The file
 * systems are shut down without their logs, so that they keep what was synced and nothing else, and the process dies.
 *
 * strace cannot do this: it counts by thread, and between the signal and a shutdown from outside the disks would go on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of the kernel, which are in no header for programs. */
#define SHUT_DOWN _IOR('X', 125, __u32)
#define WITHOUT_LOG 2

static int syncs;

static void give_up(const char *what) {
  perror(what);
  _exit(99);
}

/* One line for each sync: its number, how many octets the file has by now, its path. */
static void note(int number, int fd) {
  char link[64], path[4096], line[4200];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path);
  struct stat file;
  int log = open(getenv("POWER_CUT_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (length < 0 || fstat(fd, &file) != 0 || log < 0) give_up("power-cut.c: log");
  int octets = snprintf(line, sizeof line, "%d %lld %.*s\n", number, (long long)file.st_size, (int)length, path);
  if (write(log, line, octets) != octets) give_up("power-cut.c: log");
  close(log);
}

/* POWER_CUT_DISKS: where they are mounted, separated by colons. */
static void cut(void) {
  char disks[4096], *rest = disks;
  snprintf(disks, sizeof disks, "%s", getenv("POWER_CUT_DISKS"));
  for (const char *disk; (disk = strsep(&rest, ":")) != NULL;) {
    __u32 how = WITHOUT_LOG;
    int fd = open(disk, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, SHUT_DOWN, &how) != 0) give_up(disk);
  }
  kill(getpid(), SIGKILL);
}

static void enter(int fd) {
  int number = __atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST);
  note(number, fd);
  if (number == atoi(getenv("POWER_CUT_AT"))) cut();
}

int fsync(int fd) {
  enter(fd);
  return syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
  enter(fd);
  return syscall(SYS_fdatasync, fd);
}
