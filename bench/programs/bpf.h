/* What the C programs share: the kernel's own headers, and of libbpf's only the four macros that objects need. */
#ifndef BENCH_BPF_H
#define BENCH_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stddef.h>

#define SECTION(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

/* A map's definition is a struct whose pointer types carry its numbers (BTF-defined maps). */
#define NUMBER(name, value) int (*name)[value]
#define TYPE(name, value) value *name
#define MAP SECTION(".maps")

/* Helper numbers: enum bpf_func_id of linux/bpf.h. */
static void *(*const map_lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*const map_update)(void *map, const void *key, const void *value, __u64 flags) =
    (void *)BPF_FUNC_map_update_elem;
static __u64 (*const ktime_get_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static long (*const ringbuf_output)(void *ring, void *data, __u64 size, __u64 flags) =
    (void *)BPF_FUNC_ringbuf_output;
static void *(*const ringbuf_reserve)(void *ring, __u64 size, __u64 flags) = (void *)BPF_FUNC_ringbuf_reserve;
static void (*const ringbuf_submit)(void *data, __u64 flags) = (void *)BPF_FUNC_ringbuf_submit;
static long (*const loop)(__u32 rounds, void *callback, void *context, __u64 flags) = (void *)BPF_FUNC_loop;

#define ntohs(x) __builtin_bswap16(x)
#define htons(x) __builtin_bswap16(x)
#define ntohl(x) __builtin_bswap32(x)
#define htonl(x) __builtin_bswap32(x)

/* Packet data and its end; the verifier wants exactly these loads. */
#define DATA(ctx) ((void *)(long)(ctx)->data)
#define DATA_END(ctx) ((void *)(long)(ctx)->data_end)
#define LENGTH(ctx) ((__u64)((ctx)->data_end - (ctx)->data))

char bench_license[] SECTION("license") = "GPL";

#endif
