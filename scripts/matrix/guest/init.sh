#!/bin/busybox sh
# The first program of a guest: loads modules, mounts the disk under a layer in memory, and goes on there.
bb=/bin/busybox
$bb mount -t devtmpfs none /dev
$bb mount -t proc none /proc
while read -r module; do
  $bb insmod "/modules/$module" || echo "could not load $module"
done </modules/order
tries=0
until $bb mount -t squashfs -o ro /dev/vda /lower; do
  tries=$((tries + 1))
  [ "$tries" -lt 50 ] || $bb poweroff -f
  $bb sleep 0.1
done
$bb mount -t tmpfs none /upper
$bb mkdir /upper/data /upper/work
$bb mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work none /merged
$bb umount /proc
$bb mount --move /dev /merged/dev
exec $bb switch_root /merged /bin/sh /project/scripts/matrix/guest/start.sh
