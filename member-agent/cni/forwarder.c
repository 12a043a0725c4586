/*
 * trestle-cni: hands what a container runtime asks (environment and standard input, see "Protocol parameters" in the CNI
 * specification) to the agent of this machine, and its answer back. The runtime starts it for every pod: it has to be small.
 *
 * To the agent: every CNI_ variable as NAME=VALUE and a NUL, one more NUL, then the standard input up to its end.
 * From the agent: the exit code in digits, a newline, then what is for standard output.
 *
 * An agent that does not answer is asked again until PATIENCE_MS are over: asking twice is safe, for the agent knows an
 * attachment by its sandbox and interface. Then the answer is CNI error 11, "try again later".
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SOCKET "/run/trestle/cni.sock"
#define PATIENCE_MS 20000
#define ANSWER_S 60
#define LARGEST (32u << 20)

extern char **environ;
struct text { char *at; size_t length, room; };

/* Ends with an error as the specification wants it, of the version that the configuration names. */
static int fail(int code, const char *message, const char *input) {
    const char *at = input ? strstr(input, "\"cniVersion\"") : NULL;
    int digits = at && (at = strchr(at + 12, '"')) ? (int)strspn(++at, "0123456789.") : 0;
    printf("{\"cniVersion\":\"%.*s\",\"code\":%d,\"msg\":\"trestle-cni: %s\"}\n", digits ? digits : 5,
           digits ? at : "1.0.0", code, message);
    return 1;
}
static void append(struct text *text, const char *bytes, size_t length) {
    if (text->length + length >= text->room || text->length + length > LARGEST) {
        text->room = 2 * (text->length + length + 1);
        text->at = text->length + length > LARGEST ? NULL : realloc(text->at, text->room);
        if (!text->at) exit(fail(6, "more than 32 MiB", NULL));
    }
    memcpy(text->at + text->length, bytes, length);
    text->at[text->length += length] = 0;
}
/* Up to the end of the file; 0 when the file broke before. */
static int slurp(int file, struct text *text) {
    static char some[65536];
    for (ssize_t got; (got = read(file, some, sizeof some));) {
        if (got > 0) append(text, some, (size_t)got);
        else if (errno != EINTR) return 0;
    }
    return 1;
}
static int spill(int file, const char *bytes, size_t length) {
    for (ssize_t put; length > 0;) {
        if ((put = write(file, bytes, length)) > 0) bytes += put, length -= (size_t)put;
        else if (errno != EINTR) return 0;
    }
    return 1;
}
static long now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000 + at.tv_nsec / 1000000;
}
/* The exit code, with the rest of the answer in *body; -1 when there is no whole answer. */
static int ask(const char *path, const struct text *question, struct text *answer, char **body) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = ANSWER_S};
    int code = -1, agent = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(to.sun_path, path, sizeof to.sun_path - 1);
    setsockopt(agent, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(agent, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    answer->length = 0;
    if (!connect(agent, (struct sockaddr *)&to, sizeof to) && spill(agent, question->at, question->length) &&
        !shutdown(agent, SHUT_WR) && slurp(agent, answer) && answer->length && (*body = strchr(answer->at, '\n')))
        code = atoi(answer->at), *body += 1;
    close(agent);
    return code;
}
int main(void) {
    struct text question = {0}, answer = {0};
    const char *path = getenv("TRESTLE_CNI_SOCKET");
    char *body = NULL;
    signal(SIGPIPE, SIG_IGN);
    for (char **each = environ; *each; each++)
        if (!strncmp(*each, "CNI_", 4)) append(&question, *each, strlen(*each) + 1);
    append(&question, "", 1);
    size_t input = question.length;
    if (!slurp(STDIN_FILENO, &question)) return fail(5, "the standard input can't be read", NULL);
    for (long end = now() + PATIENCE_MS; now() < end; nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL)) {
        int code = ask(path ? path : SOCKET, &question, &answer, &body);
        if (code >= 0) return spill(STDOUT_FILENO, body, answer.length - (size_t)(body - answer.at)) ? code : 1;
    }
    return fail(11, "the agent of this node does not answer at its socket; is it running?", question.at + input);
}
