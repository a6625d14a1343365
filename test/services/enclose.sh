#!/bin/bash
# The first process of an enclosure (see enclosure.ts): lays files over the system, and runs a script as if on a machine of its own.
# usage: unshare --mount --pid --fork enclose.sh FOLDER UNPACKED-SERVER
# FOLDER/files is laid on top, and FOLDER/mail is to be seen from both sides, within as /mail. All else that is written goes with
# the last process. This shell stays the first process: killed, it takes every other one with it, whatever group they are in.
set -euo pipefail
folder=$1
server=$2

layers=$folder/layers
mount -t tmpfs -o mode=755 enclosure "$layers"
mkdir "$layers"/{over,work,root}
# Layers may not lie within each other, and everything lies within /: so these are copied out of it.
cp -a "$server/root" "$layers/server"
cp -a "$folder/files" "$layers/files"
root=$layers/root
mount -t overlay overlay -o "lowerdir=$layers/files:$layers/server:/,upperdir=$layers/over,workdir=$layers/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
# No /dev/log: what a server says is not for the log of this machine.
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/mail"
mount --bind "$folder/mail" "$root/mail"

chroot "$root" /bin/bash -euo pipefail /start.sh &
wait $!
