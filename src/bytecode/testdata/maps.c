/* Several maps, of which the code uses two, and several variables, one of them static. */
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name

struct {
  __uint(type, 1);
  __uint(max_entries, 8);
  __type(key, int);
  __type(value, int);
} first SEC(".maps");

struct {
  __uint(type, 1);
  __uint(max_entries, 16);
  __type(key, int);
  __type(value, long);
} second SEC(".maps");

struct {
  __uint(type, 27);
  __uint(max_entries, 4096);
} third SEC(".maps");

int other = 4;
static volatile int calls = 3;
volatile long total;

static void *(*const lookup)(void *map, const void *key) = (void *)1;

SEC("xdp") int count(void *context) {
  int key = 7;
  long *value = lookup(&second, &key);
  int *limit = lookup(&first, &key);
  calls++;
  total += other;
  if (value) *value += total;
  if (limit) *limit += 1;
  return 2;
}

char _license[] SEC("license") = "GPL";
