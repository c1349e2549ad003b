# The second program of a guest, on its disk: mounts what kernel interfaces need, runs the checks, powers off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t tmpfs none /tmp
mount -t tmpfs none /run
mkdir -p /dev/pts /dev/shm
mount -t devpts none /dev/pts
mount -t bpf none /sys/fs/bpf
mount -t cgroup2 none /sys/fs/cgroup
mount -t tracefs none /sys/kernel/tracing
mount -t debugfs none /sys/kernel/debug
mount -t securityfs none /sys/kernel/security
# As a distribution has it: what a network namespace mounts is then visible to others.
mount --make-rshared /
ip link set lo up
hostname guest
# Records go over the second serial line, as they are.
stty -F /dev/ttyS1 raw -echo
export NODE_COMPILE_CACHE=/tmp/compile-cache
cd /project
node --disable-warning=ExperimentalWarning --import ./scripts/resolve-hook.ts scripts/matrix/guest/main.ts
echo "the checks ended with exit code $?"
poweroff -f
