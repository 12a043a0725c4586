/*
 * trestle-cni: hands what a container runtime asks (environment and standard input, see "Protocol parameters" in the CNI
 * specification) to the agent of this machine, and its answer back. The runtime starts it for every pod: it has to be small.
 *
 * To the agent: every CNI_ variable as NAME=VALUE and a NUL, one more NUL, then the standard input up to its end.
 * From the agent: the exit code in digits, a newline, what is for standard output, and a NUL.
 *
 * Where nobody answers, or not to the end, it asks again until PATIENCE_MS are over: asking twice is safe, for the agent
 * knows an attachment by its sandbox and interface. An agent that has the call may take longer, and is given up when it was
 * silent for ANSWER_S. Either way the answer is CNI error 11, "try again later".
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
#ifndef PATIENCE_MS
#define PATIENCE_MS 20000
#endif
#ifndef ANSWER_S
#define ANSWER_S 60
#endif
#define LARGEST (32u << 20)
#define USABLE " has to be an absolute path of at most 107 characters of ASCII, without quotes and escapes"

extern char **environ;
struct text { char *at; size_t length, room; };
enum { BROKEN = -1, SILENT = -2 };

/*
 * What the object on standard input says of a key: 1 and its text, 0 when it says nothing, -1 when it is not for sure one
 * string without escapes that fits. Of what is no JSON the agent tells.
 */
static int look(const char *at, const char *key, char text[108]) {
    int depth = 0, found = 0;
    for (; *at; at++) {
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        if (*at != '"') continue;
        const char *name = ++at;
        char end[2];
        while (*at && *at != '"') at += *at == '\\' && at[1] ? 2 : 1;
        size_t length = (size_t)(at - name), space = *at ? strspn(at + 1, " \t\r\n") : 0;
        if (!*at) return found;
        if (depth != 1 || at[1 + space] != ':') continue;
        if (memchr(name, '\\', length)) return -1;
        if (length != strlen(key) || memcmp(name, key, length)) continue;
        if (found++ || sscanf(at + 1, " : \"%107[^\"\\]%1[\"]", text, end) != 2) return -1;
    }
    return found;
}
/* Ends with an error as the specification wants it, of the version that the configuration names. */
static int fail(int code, const char *message, const char *more, const char *input) {
    char version[108];
    int named = input && look(input, "cniVersion", version) > 0 && !version[strspn(version, "0123456789.")];
    printf("{\"cniVersion\":\"%s\",\"code\":%d,\"msg\":\"trestle-cni: %s%s\"}\n", named ? version : "1.0.0", code, message, more);
    return 1;
}
static void append(struct text *text, const char *bytes, size_t length) {
    if (text->length + length >= text->room || text->length + length > LARGEST) {
        text->room = 2 * (text->length + length + 1);
        text->at = text->length + length > LARGEST ? NULL : realloc(text->at, text->room);
        if (!text->at) exit(fail(6, "more than 32 MiB", "", NULL));
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
static int is_usable(const char *path) {
    size_t length = strlen(path);
    for (const char *at = path; *at; at++)
        if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\') return 0;
    return *path == '/' && length < sizeof((struct sockaddr_un *)0)->sun_path;
}
/* The exit code, with the rest of the answer in *body. */
static int ask(const char *path, const struct text *question, struct text *answer, char **body) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = ANSWER_S};
    int code = BROKEN, agent = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(to.sun_path, path);
    setsockopt(agent, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(agent, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    answer->length = 0;
    if (connect(agent, (struct sockaddr *)&to, sizeof to) || !spill(agent, question->at, question->length) ||
        shutdown(agent, SHUT_WR) || !slurp(agent, answer))
        code = errno == EAGAIN ? SILENT : BROKEN;
    else if (answer->length && !answer->at[answer->length - 1] && (*body = strchr(answer->at, '\n')))
        code = atoi(answer->at), *body += 1;
    close(agent);
    return code;
}
int main(void) {
    struct text question = {0}, answer = {0};
    const char *path = getenv("TRESTLE_CNI_SOCKET");
    char *body = NULL, configured[108];
    signal(SIGPIPE, SIG_IGN);
    for (char **each = environ; *each; each++)
        if (!strncmp(*each, "CNI_", 4)) append(&question, *each, strlen(*each) + 1);
    append(&question, "", 1);
    size_t variables = question.length;
    if (!slurp(STDIN_FILENO, &question)) return fail(5, "the standard input can't be read", "", NULL);
    const char *input = question.at + variables;
    int found = look(input, "socket", configured);
    if (found < 0 || (found && !is_usable(configured)))
        return fail(7, "keys of the network configuration have no escapes, and \\\"socket\\\", once at most," USABLE, "", input);
    if (found) path = configured;
    else if (!path) path = SOCKET;
    else if (!is_usable(path)) return fail(4, "TRESTLE_CNI_SOCKET" USABLE, "", input);
    for (long end = now() + PATIENCE_MS; now() < end; nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL)) {
        int code = ask(path, &question, &answer, &body);
        if (code >= 0) return spill(STDOUT_FILENO, body, answer.length - 1 - (size_t)(body - answer.at)) ? code : 1;
        if (code == SILENT) return fail(11, "the agent of this node took the call, and no answer came from ", path, input);
    }
    return fail(11, "is the agent of this node running? nobody answers at ", path, input);
}
