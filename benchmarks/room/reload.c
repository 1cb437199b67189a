/* Reloads of one page, each by another guest on a connection of its own, all at once or spread.
 *
 *   reload PORT PATH COOKIES SPREAD     (COOKIES: a file with one line for each guest; SPREAD in seconds)
 *
 * Prints one line of JSON. A page counts when it came whole, with 200 and the mark of a media page in it. One thread,
 * so that it takes as little as possible of the cores that the servers need.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 1000 /* what a proxy in front keeps waiting */, WITHIN = 120, PAGE = 1 << 20 };

struct guest {
    int fd;
    double at;
    char *page;
    size_t size;
};

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static int by_time(const void *a, const void *b) {
    double x = ((const struct guest *)a)->at, y = ((const struct guest *)b)->at;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 2;
    int port = atoi(argv[1]), size = 0, room = 0, poller = epoll_create1(0);
    double spread = atof(argv[4]);
    char **cookies = NULL, *line = NULL;
    size_t capacity = 0;
    FILE *file = fopen(argv[3], "r");
    for (ssize_t n; file && (n = getline(&line, &capacity, file)) > 1;) {
        if (size == room)
            cookies = realloc(cookies, (room = 2 * room + 64) * sizeof *cookies);
        line[n - 1] = 0;
        cookies[size++] = strdup(line);
    }
    struct guest *guests = calloc(size, sizeof *guests);
    for (int i = 0; i < size; i++)
        guests[i].at = spread * rand() / RAND_MAX;
    qsort(guests, size, sizeof *guests, by_time);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int opened = 0, open = 0, done = 0, good = 0;
    double began = now();
    while (done < size && now() < began + WITHIN) {
        while (opened < size && open < AT_ONCE && guests[opened].at <= now() - began) {
            struct guest *g = guests + opened;
            g->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            if (g->fd < 0 || (connect(g->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)) {
                perror("connect");
                return 1;
            }
            struct epoll_event want = {.events = EPOLLOUT, .data.u32 = opened++};
            epoll_ctl(poller, EPOLL_CTL_ADD, g->fd, &want);
            open++;
        }
        struct epoll_event events[256];
        int n = epoll_wait(poller, events, 256, 20);
        for (int k = 0; k < n; k++) {
            int i = events[k].data.u32;
            struct guest *g = guests + i;
            if (!g->page && !(events[k].events & (EPOLLERR | EPOLLHUP))) {
                char asked[1024];
                int length = snprintf(asked, sizeof asked,
                                      "GET %s HTTP/1.1\r\nHost: foyer.example.edu\r\nCookie: %s\r\n"
                                      "Accept-Language: en\r\nConnection: close\r\n\r\n",
                                      argv[2], cookies[i]);
                struct epoll_event want = {.events = EPOLLIN, .data.u32 = i};
                epoll_ctl(poller, EPOLL_CTL_MOD, g->fd, &want);
                g->page = malloc(PAGE);
                if (send(g->fd, asked, length, MSG_NOSIGNAL) == length)
                    continue;
            }
            ssize_t got = g->page ? recv(g->fd, g->page + g->size, PAGE - g->size, 0) : 0;
            if (got < 0 && errno == EAGAIN)
                continue;
            if (got > 0) {
                g->size += got;
                continue;
            }
            good += g->page && g->size > 12 && !memcmp(g->page + 9, "200", 3) &&
                    memmem(g->page, g->size, "data-version", 12) && memmem(g->page, g->size, "</html>", 7);
            free(g->page);
            close(g->fd);
            open--, done++;
        }
    }
    printf("{\"pages\": %d, \"ok\": %d, \"seconds\": %.2f}\n", size, good, now() - began);
    return 0;
}
