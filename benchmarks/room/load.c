/* A crowd of WebSocket clients in one thread: joins, listens, speaks in turns, and measures.
 *
 *   load PORT foyer|socketio N PATH ORIGIN COOKIES     (COOKIES: a file with one line for each client)
 *
 * Reads commands from stdin, one a line, and answers each with one line of JSON:
 *   join                      open all sockets; each is counted when the server has said its hello
 *   drive W SECONDS           keep W messages under way; a message is done when all have heard it
 *   pace PER_SECOND SECONDS   send at this rate, however long they take
 *   hear WORD SECONDS         wait until every client has heard a frame with this word
 *   idle SECONDS              answer pings
 *   dropped                   how many sockets the server has closed
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { READ = 1 << 20, AT_ONCE = 100, RING = 1 << 16, TEXT = 200 };
enum state { NEW, SHAKING, GREETING, READY, CLOSED };

struct client {
    int fd;
    enum state state;
    int heard;
    char *rest; /* of a frame that has not come whole */
    size_t size;
};
struct message {
    double sent;
    int left;
};

static struct client *clients;
static struct message ring[RING];
static char **cookies;
static int N, port, is_foyer, poller, ready, closed, refused;
static const char *path, *origin;
static char buffer[READ + (1 << 22)];
static long next_number, done_count, delivered;
static double *took;
static const char *word;
static int heard_word;
static double half_at, last_at;

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void send_all(struct client *c, const char *data, size_t size) {
    while (size) {
        ssize_t n = send(c->fd, data, size, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN) {
                usleep(100);
                continue;
            }
            return;
        }
        data += n, size -= n;
    }
}

static void send_frame(struct client *c, int opcode, const char *text, size_t size) {
    unsigned char head[14] = {0x80 | opcode};
    int n = 2;
    if (size < 126)
        head[1] = 0x80 | size;
    else
        head[1] = 0x80 | 126, head[2] = size >> 8, head[3] = size & 255, n = 4;
    static char frame[4096];
    memcpy(frame, head, n);
    memset(frame + n, 0, 4); /* a mask of zeros is a mask, too */
    memcpy(frame + n + 4, text, size);
    send_all(c, frame, n + 4 + size);
}

static void say(struct client *c, const char *text) { send_frame(c, 1, text, strlen(text)); }

static void open_socket(int i) {
    struct client *c = clients + i;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) {
        perror("connect");
        exit(1);
    }
    c->state = NEW;
    struct epoll_event want = {.events = EPOLLOUT, .data.u32 = i};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &want);
}

static void shake(int i) {
    struct client *c = clients + i;
    char text[2048];
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: %s\r\n"
                     "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 Safari/537.36\r\n"
                     "Accept-Language: en-GB,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\nCache-Control: no-cache\r\n"
                     "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nCookie: %s\r\n\r\n",
                     path, port, origin, cookies ? cookies[i] : "none=1");
    struct epoll_event want = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &want);
    c->state = SHAKING;
    send_all(c, text, n);
}

static void count(const char *text, size_t size) {
    const char *at = memmem(text, size < 700 ? size : 700, "@@", 2);
    if (!at || text + size < at + 12)
        return;
    struct message *m = ring + atol(at + 2) % RING;
    delivered++;
    if (--m->left == 0)
        took[done_count++ % RING] = now() - m->sent;
}

static void take(int i, int opcode, const char *text, size_t size) {
    struct client *c = clients + i;
    if (opcode == 9)
        send_frame(c, 10, text, size);
    if (opcode == 8)
        closed++, c->state = CLOSED, close(c->fd);
    if (opcode != 1)
        return;
    if (c->state == GREETING) {
        int is_greeted = is_foyer ? !strncmp(text, "{\"kind\":\"hello\"", 15) : !strncmp(text, "40", 2);
        if (!is_foyer && text[0] == '0')
            say(c, "40");
        if (is_greeted)
            c->state = READY, ready++;
    }
    if (!is_foyer && size == 1 && text[0] == '2')
        say(c, "3");
    if (is_foyer ? !strncmp(text, "{\"kind\":\"message\"", 17) : !strncmp(text, "42", 2))
        count(text, size);
    else if (is_foyer && !strncmp(text, "{\"kind\":\"refused\"", 17))
        if (!refused++)
            fprintf(stderr, "%.*s\n", (int)size, text);
    if (word && !c->heard && memmem(text, size, word, strlen(word))) {
        c->heard = 1, heard_word++;
        if (heard_word == N / 2)
            half_at = now();
        if (heard_word == N)
            last_at = now();
    }
}

static void receive(int i) {
    struct client *c = clients + i;
    size_t kept = c->size;
    if (kept)
        memcpy(buffer, c->rest, kept), free(c->rest), c->rest = NULL, c->size = 0;
    ssize_t n = recv(c->fd, buffer + kept, READ, 0);
    if (n <= 0) {
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            n = 0;
        else {
            closed++, c->state = CLOSED, close(c->fd);
            return;
        }
    }
    char *at = buffer, *end = buffer + kept + n;
    if (c->state == SHAKING) {
        char *body = memmem(at, end - at, "\r\n\r\n", 4);
        if (body) {
            if (!memmem(at, body - at, " 101 ", 5)) {
                fprintf(stderr, "%.*s\n", 60, buffer);
                exit(1);
            }
            at = body + 4, c->state = GREETING;
            if (is_foyer)
                say(c, "{\"kind\":\"hello\",\"since\":0,\"language\":\"en\"}");
        }
    }
    while (c->state >= GREETING && c->state < CLOSED && end - at >= 2) {
        size_t size = at[1] & 127, head = 2;
        if (size == 126) {
            if (end - at < 4)
                break;
            size = (unsigned char)at[2] << 8 | (unsigned char)at[3], head = 4;
        } else if (size == 127) {
            if (end - at < 10)
                break;
            size = 0, head = 10;
            for (int k = 2; k < 10; k++)
                size = size << 8 | (unsigned char)at[k];
        }
        if ((size_t)(end - at) < head + size)
            break;
        take(i, at[0] & 15, at + head, size);
        at += head + size;
    }
    if (c->state != CLOSED && at < end) {
        c->size = end - at;
        c->rest = malloc(c->size);
        memcpy(c->rest, at, c->size);
    }
}

static void turn(int patience) {
    static struct epoll_event events[512];
    int n = epoll_wait(poller, events, 512, patience);
    for (int k = 0; k < n; k++) {
        int i = events[k].data.u32;
        if (clients[i].state == NEW)
            shake(i);
        else if (clients[i].state != CLOSED)
            receive(i);
    }
}

static void speak(void) {
    long number = next_number++;
    struct client *c = clients + (number * 7919) % N;
    ring[number % RING] = (struct message){now(), N};
    char text[TEXT + 1], frame[1024];
    int n = snprintf(text, sizeof text, "@@%010ld ", number);
    memset(text + n, 'x', TEXT - n);
    text[TEXT] = 0;
    if (is_foyer)
        snprintf(frame, sizeof frame, "{\"kind\":\"post\",\"client_key\":\"k%ld\",\"text\":\"%s\"}", number, text);
    else
        snprintf(frame, sizeof frame, "42[\"say\",\"%s\"]", text);
    say(c, frame);
}

static int by_size(const void *a, const void *b) {
    double x = *(double *)a, y = *(double *)b;
    return (x > y) - (x < y);
}

static void report(double seconds) {
    long n = done_count < RING ? done_count : RING;
    qsort(took, n, sizeof *took, by_size);
    printf("{\"messages\": %ld, \"deliveries\": %ld, \"seconds\": %.4f, \"median\": %.5f, \"worst\": %.5f, \"refused\": %d}\n",
           done_count, delivered, seconds, n ? took[(n - 1) / 2] : 0.0, n ? took[n - 1] : 0.0, refused);
}

static void run(double per_second, int window, double seconds) {
    double began = now(), ends = began + seconds;
    long first = next_number;
    done_count = delivered = 0;
    while (now() < ends) {
        if (window)
            while (next_number - first - done_count < window && next_number - first - done_count < RING)
                speak();
        else
            while (next_number - first < (now() - began) * per_second)
                speak();
        turn(window ? 50 : 1);
    }
    double stopped = now();
    long counted = delivered;
    while (done_count < next_number - first && now() < stopped + 20)
        turn(50);
    delivered = counted; /* what came within the time; all that was said is waited for */
    report(stopped - began);
}

int main(int argc, char **argv) {
    port = atoi(argv[1]), is_foyer = !strcmp(argv[2], "foyer"), N = atoi(argv[3]), path = argv[4], origin = argv[5];
    clients = calloc(N, sizeof *clients), took = calloc(RING, sizeof *took);
    if (argc > 6) {
        FILE *file = fopen(argv[6], "r");
        cookies = calloc(N, sizeof *cookies);
        for (int i = 0; i < N; i++) {
            size_t size = 0;
            ssize_t n = getline(cookies + i, &size, file);
            if (n > 0)
                cookies[i][n - 1] = 0;
        }
        fclose(file);
    }
    poller = epoll_create1(0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    fcntl(0, F_SETFL, O_NONBLOCK);
    char line[256];
    size_t filled = 0;
    for (;;) {
        ssize_t n = read(0, line + filled, sizeof line - 1 - filled);
        if (n == 0)
            return 0;
        if (n > 0)
            filled += n;
        line[filled] = 0;
        char *stop = strchr(line, '\n');
        if (!stop) {
            turn(20);
            continue;
        }
        *stop = 0;
        double a = 0, b = 0, began = now();
        static char looked_for[64];
        if (!strcmp(line, "join")) {
            for (int opened = 0; ready < N;) {
                while (opened < N && opened - ready < AT_ONCE)
                    open_socket(opened++);
                turn(50);
                if (now() > began + 600)
                    break;
            }
            printf("{\"joined\": %d, \"seconds\": %.3f}\n", ready, now() - began);
        } else if (sscanf(line, "drive %lf %lf", &a, &b) == 2)
            run(0, (int)a, b);
        else if (sscanf(line, "pace %lf %lf", &a, &b) == 2)
            run(a, 0, b);
        else if (sscanf(line, "hear %63s %lf", looked_for, &b) == 2) {
            word = looked_for, heard_word = 0, half_at = last_at = 0;
            for (int i = 0; i < N; i++)
                clients[i].heard = 0;
            while (heard_word < N && now() < began + b)
                turn(5);
            printf("{\"heard\": %d, \"half\": %.6f, \"last\": %.6f}\n", heard_word, half_at, last_at);
            word = NULL;
        } else if (sscanf(line, "idle %lf", &a) == 1) {
            while (now() < began + a)
                turn(50);
            printf("{}\n");
        } else
            printf("{\"dropped\": %d}\n", closed);
        filled -= stop + 1 - line;
        memmove(line, stop + 1, filled);
    }
}
