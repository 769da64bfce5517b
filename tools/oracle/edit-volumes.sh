#!/usr/bin/env bash
# [OPERATIONS=150] [SUITE=...] edit-volumes.sh FOLDER SEED : what does a real Linux make of volumes that it has not written?
# One boot. Each FOLDER/NAME.img (at most 20) is copied to NAME.linux.img, and Linux
#   mounts the copy, recovers what waits for it, and says what it holds     NAME.before.{manifest,far,xattrs,statfs}
#   finds the paths of NAME.lookups, one a line: their inode number, or -   NAME.found
#   does OPERATIONS random things to it (guest/churn.pl) and unmounts it    NAME.done
#   mounts it once more and says again                                      NAME.after.{manifest,far,xattrs,statfs}
# NAME.status has the step that failed, `ok` when none did; NAME.dmesg what the kernel said meanwhile. A volume that Linux
# refuses stops none of the others; the exit code is not 0 only when the guest did not finish.
# NAME.options: mount options, where there are any. The same SEED, and the same volumes, give the same operations.
set -euo pipefail
oracle=$(dirname "$(realpath "$0")")
folder=$(realpath "$1"); seed=$2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
in=$work/in; mkdir -p "$in"; cp "$oracle"/guest/* "$in/"
node "$oracle/guest-data.mjs" "$in" "$seed"

names=() copies=()
for image in "$folder"/*.img; do
  name=$(basename "$image" .img)
  [[ $name == *.linux ]] && continue
  names+=("$name"); copies+=("$work/$name.img")
  cp --sparse=always "$image" "$work/$name.img"
  for kind in options lookups; do [ -e "$folder/$name.$kind" ] && cp "$folder/$name.$kind" "$in/$name.$kind"; done
  echo "$name" >>"$in/names"
done
[ ${#names[@]} -gt 0 ] && [ ${#names[@]} -le 20 ] || { echo "edit-volumes: 1 to 20 volumes, not ${#names[@]}" >&2; exit 2; }

cat >"$work/script.sh" <<'S'
look() { # NAME : what is mounted
  perl /in/far-data.pl /mnt >/out/$1.far || return 1
  sh /in/manifest.sh /mnt >/out/$1.manifest || return 1
  (cd /mnt && getfattr -R -d -e hex -m - -h . >/out/$1.xattrs 2>/dev/null)
  stat -f -c '%s %b %f %a %c %d %l %t' /mnt >/out/$1.statfs
}
find_all() { # NAME
  [ -e /in/$1.lookups ] || return 0
  perl -ne 'chomp; my @found = lstat "/mnt/$_"; print @found ? $found[1] : "-", "\n"' /in/$1.lookups >/out/$1.found
}
attach() { mount -t f2fs -o "$1" $disk /mnt; }
steps() { # NAME SEED : each step by its name; the first that fails is the answer
  options=$(cat /in/$1.options 2>/dev/null)
  attach "$options" || { echo mount; return; }
  # Before anything is written: what is on its way would count.
  look $1.before || { echo manifest; return; }
  find_all $1
  perl /in/churn.pl /mnt $2 OPERATIONS >/out/$1.done 2>&1 || { echo "edit: $(tail -n 1 /out/$1.done)"; return; }
  umount /mnt || { echo unmount; return; }
  attach ro || { echo "mount again"; return; }
  look $1.after || { echo "second manifest"; return; }
  umount /mnt || { echo "second unmount"; return; }
  echo ok
}
set -- a b c d e f g h i j k l m n o p q r s t
count=0
while read -r name; do
  disk=/dev/vd$1; shift; count=$((count + 1))
  dmesg -c >/dev/null
  steps $name $((SEED * 64 + count)) >/out/$name.status 2>/out/$name.stderr
  umount /mnt 2>/dev/null
  dmesg -c >/out/$name.dmesg
done </in/names
S
sed -i "s/OPERATIONS/${OPERATIONS:-150}/; s/SEED/$seed/" "$work/script.sh"
status=0
VM_TIMEOUT=${VM_TIMEOUT:-600} "$oracle/linux" "$(IFS=,; echo "${copies[*]}")" "$work/script.sh" "$in" "$work/out" || status=$?
for name in "${names[@]}"; do
  mv "$work/$name.img" "$folder/$name.linux.img"
  for file in "$work/out/$name".*; do [ -e "$file" ] && mv "$file" "$folder/"; done
done
exit "$status"
