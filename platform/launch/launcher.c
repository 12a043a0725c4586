/*
 * trestle-launch: starts programs for the agent. A process that starts another one copies its page tables first, and Node
 * always does (fork): with an agent's memory that takes 3 to 7 ms of its one thread, each time. This one is small, and
 * posix_spawn copies nothing.
 *
 * Asked on standard input: {id, arguments, bytes of them, bytes of input}, all of 32 bits in this machine's order, then the
 * arguments, each with its NUL, then the program's standard input. No arguments: kill what was started under that id.
 * Answered on standard output: {id, status, bytes of output, bytes of errors}, then both. The status is an exit code, -N
 * for a program that signal N ended, or -1000-E for one that could not be started (E of errno(3)).
 *
 * A program's three files are in memory (memfd_create): it can open its /dev/stdin by name, and nobody waits for a pipe.
 * What `nsenter --net=PATH -- PROGRAM` does it does itself: one program less to be started for each pod.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
struct program { uint32_t id; pid_t pid; int out, err; struct program *next; };
static struct program *running;
static int home;

/* When either of these fails the agent is gone, and nobody is left to tell. */
static void receive(void *to, size_t length) {
    for (ssize_t got; length > 0; to = (char *)to + got, length -= (size_t)got)
        if ((got = read(STDIN_FILENO, to, length)) <= 0) _exit(0);
}
static void put(int file, const void *from, size_t length) {
    for (ssize_t done; length > 0; from = (const char *)from + done, length -= (size_t)done)
        if ((done = write(file, from, length)) < 0) _exit(0);
}
static void answer(uint32_t id, int status, int out, int err) {
    struct stat of_out = {0}, of_err = {0};
    if (out >= 0) fstat(out, &of_out), fstat(err, &of_err);
    int32_t head[4] = {(int32_t)id, status, (int32_t)of_out.st_size, (int32_t)of_err.st_size};
    put(STDOUT_FILENO, head, sizeof head);
    for (int each = 0; each < 2; each++) {
        size_t length = (size_t)(each ? of_err : of_out).st_size;
        char *text = length ? mmap(NULL, length, PROT_READ, MAP_PRIVATE, each ? err : out, 0) : NULL;
        if (text) put(STDOUT_FILENO, text, length), munmap(text, length);
    }
}
/* The first word to start, in the network namespace that it is to be in; where that can't be entered, nsenter says why. */
static char **enter(char **words) {
    if (strcmp(words[0], "nsenter") || !words[1] || strncmp(words[1], "--net=", 6) || !words[2] || strcmp(words[2], "--"))
        return words;
    int there = words[3] ? open(words[1] + 6, O_RDONLY | O_CLOEXEC) : -1, entered = there >= 0 && !setns(there, CLONE_NEWNET);
    if (there >= 0) close(there);
    return entered ? words + 3 : words;
}
static void start(uint32_t id, char **arguments, int in) {
    struct program *new = calloc(1, sizeof *new);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, ours;
    sigemptyset(&none), sigemptyset(&ours), sigaddset(&ours, SIGINT), sigaddset(&ours, SIGPIPE);
    *new = (struct program){id, 0, memfd_create("out", MFD_CLOEXEC), memfd_create("err", MFD_CLOEXEC), running};
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, 0);
    posix_spawn_file_actions_adddup2(&files, new->out, 1);
    posix_spawn_file_actions_adddup2(&files, new->err, 2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &ours);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char **words = enter(arguments);
    int failure = posix_spawnp(&new->pid, words[0], &files, &attributes, words, environ);
    if (words != arguments && setns(home, CLONE_NEWNET)) _exit(1);
    if (words != arguments && failure)
        failure = posix_spawnp(&new->pid, arguments[0], &files, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&files), posix_spawnattr_destroy(&attributes);
    if (!failure) { running = new; return; }
    answer(id, -1000 - failure, -1, -1);
    close(new->out), close(new->err), free(new);
}
static void listen_once(void) {
    struct { uint32_t id, count, bytes, input; } asked;
    receive(&asked, sizeof asked);
    if (asked.count == 0) {
        for (struct program *each = running; each; each = each->next) if (each->id == asked.id) kill(each->pid, SIGKILL);
        return;
    }
    char *text = malloc((size_t)asked.bytes + asked.input + 1), **arguments = calloc(asked.count + 1, sizeof *arguments);
    int in = memfd_create("in", MFD_CLOEXEC);
    if (!text || !arguments || in < 0) _exit(1);
    receive(text, (size_t)asked.bytes + asked.input);
    char *at = text;
    for (uint32_t each = 0; each < asked.count; each++, at++) for (arguments[each] = at; *at; at++) {}
    put(in, text + asked.bytes, asked.input);
    lseek(in, 0, SEEK_SET);
    start(asked.id, arguments, in);
    close(in), free(text), free(arguments);
}
static void reap(void) {
    int how;
    for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;)
        for (struct program **each = &running, *done; (done = *each); each = &done->next) {
            if (done->pid != pid) continue;
            *each = done->next;
            answer(done->id, WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how), done->out, done->err);
            close(done->out), close(done->err), free(done);
            break;
        }
}
int main(void) {
    sigset_t children;
    sigemptyset(&children), sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    // Ctrl-C in a terminal reaches all of the foreground: the agent says when it is over.
    signal(SIGINT, SIG_IGN), signal(SIGPIPE, SIG_IGN);
    home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int ended = signalfd(-1, &children, SFD_CLOEXEC);
    struct signalfd_siginfo which;
    for (struct pollfd on[] = {{STDIN_FILENO, POLLIN, 0}, {ended, POLLIN, 0}}; poll(on, 2, -1) > 0 || errno == EINTR;) {
        if (on[1].revents && read(ended, &which, sizeof which) > 0) reap();
        if (on[0].revents) listen_once();
    }
    return 1;
}
