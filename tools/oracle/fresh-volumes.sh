#!/usr/bin/env bash
# [OPERATIONS=700] [SUITE=...] fresh-volumes.sh OUT SEED : volumes that nobody has seen before, for the full test ring.
# One boot: several new volumes with different features are written by Linux with seeded random operations
# (guest/churn.pl). For each of them OUT gets
#   NAME.img       the volume
#   NAME.manifest  what Linux says it holds, after a fresh mount (guest/manifest.sh)
#   NAME.xattrs    getfattr -R -d -e hex -m - -h
#   NAME.statfs    stat -f: block size, blocks, free, available, files, free files, longest name, type (not of crash-churn)
#   NAME.txt       mkfs options, mount options, what was done
# The same SEED gives the same options and operations (not the same bytes: times and the log's places differ).
# `crash-churn` was cut off without unmounting: its manifest is what Linux shows after recovering a copy (which stamps directories that get a name anew with the time of that).
set -euo pipefail
oracle=$(dirname "$(realpath "$0")")
out=$(realpath -m "$1"); seed=$2; mkdir -p "$out"
"$oracle/setup" >&2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
in=$work/in; mkdir -p "$in"; cp "$oracle"/guest/* "$in/"
node "$oracle/guest-data.mjs" "$in" "$seed"
RANDOM=$((seed % 32768))
pick() { shift $((RANDOM % $#)); picked=$1; }

checked=extra_attr,inode_checksum,inode_crtime,sb_checksum
names=() images=()
# volume NAME SIZE MKFS_OPTIONS MOUNT_OPTIONS [CASEFOLD]
volume() {
  local image=$out/$1.img
  rm -f "$image"; truncate -s "$2" "$image"
  # shellcheck disable=SC2086 # options are words
  mkfs.f2fs -f -q $3 "$image" >"$work/mkfs" || { cat "$work/mkfs"; return 1; }
  names+=("$1"); images+=("$image")
  echo "$1|$((seed * 64 + ${#names[@]}))|$4|${5:-}" >>"$in/volumes"
  printf 'size %s\nmkfs.f2fs %s\nmount -o %s\nseed %s\n' "$2" "$3" "$4" "$seed" >"$out/$1.txt"
}
pick '' noinline_data noinline_dentry noinline_xattr noinline_data,noinline_dentry alloc_mode=reuse; volume basic 80M "" "$picked"
pick 12 20 50 120; volume features 80M "-O $checked,flexible_inline_xattr,lost_found,quota,project_quota,casefold -C utf8" "inline_xattr_size=$picked" casefold
pick '' -i; label=$picked; pick 8 12 20; volume sections 200M "-s 2 $label -o $picked -l größe" mode=lfs
compressed=$checked,compression,flexible_inline_xattr
for algorithm in lz4 lz4:9 zstd:7 lzo lzo-rle; do
  pick 2 2 3 4 5; log=$picked; pick '' ,compress_chksum ,compress_mode=fs; name=${algorithm/lz4:9/lz4hc}
  volume "${name%:*}" 80M "-O $compressed" "compress_algorithm=$algorithm,compress_log_size=$log,compress_extension=*$picked"
done
volume crash-churn 80M "-O $compressed" compress_algorithm=lz4,compress_log_size=2
# Room for the copy that Linux recovers.
truncate -s 80M "$work/copy.img"; images+=("$work/copy.img")

cat >"$work/script.sh" <<'S'
set -e
count=${OPERATIONS:-700}
look() { # NAME : manifest and xattrs of what is mounted
  sh /in/manifest.sh /mnt >/out/$1.manifest
  [ $1 = crash-churn ] || stat -f -c '%s %b %f %a %c %d %l %t' /mnt >/out/$1.statfs
  (cd /mnt; getfattr -R -d -e hex -m - -h . >/out/$1.xattrs 2>/dev/null || true)
}
set -- a b c d e f g h i j k l m n o p
while IFS='|' read -r name seed options casefold; do
  disk=/dev/vd$1; copy=/dev/vd$2; shift
  mount -t f2fs -o "$options" $disk /mnt
  # In two goes with a fresh mount between, so that nothing rests on what memory still knows.
  perl /in/churn.pl /mnt $seed $((count * 2 / 3)) $casefold >/out/$name.done
  umount /mnt; mount -t f2fs -o "$options" $disk /mnt
  perl /in/churn.pl /mnt $((seed + 32)) $((count / 3)) $casefold >>/out/$name.done
  if [ $name = crash-churn ]; then
    # fsynced after the last checkpoint: recovered. Not fsynced: may be lost. Then the volume stops as it is.
    f2fs_io write_checkpoint /mnt >/dev/null; cp /in/text /mnt/kept; f2fs_io fsync /mnt/kept >/dev/null
    mkdir /mnt/new; cp /in/mixed /mnt/new/kept; f2fs_io fsync /mnt/new/kept >/dev/null; mv /mnt/kept /mnt/renamed; f2fs_io fsync /mnt/renamed >/dev/null
    truncate -s 5000 /mnt/renamed; f2fs_io fsync /mnt/renamed >/dev/null; cp /in/random /mnt/perhaps-lost
    f2fs_io shutdown 2 /mnt >/dev/null; umount /mnt
    dd if=$disk of=$copy bs=1M 2>/dev/null; disk=$copy
  else
    umount /mnt
  fi
  mount -t f2fs $disk /mnt; look $name; umount /mnt
done </in/volumes
S
sed -i "s/^count=.*/count=${OPERATIONS:-700}/" "$work/script.sh"
VM_TIMEOUT=${VM_TIMEOUT:-600} "$oracle/linux" "$(IFS=,; echo "${images[*]}")" "$work/script.sh" "$in" "$work/out"

bad=0
for name in "${names[@]}"; do
  mv "$work/out/$name".{manifest,xattrs} "$out/"
  [ "$name" = crash-churn ] || mv "$work/out/$name.statfs" "$out/"
  cat "$work/out/$name.done" >>"$out/$name.txt"
  image=$out/$name.img; [ "$name" = crash-churn ] && image=$work/copy.img
  "$oracle/judge.mjs" "$image" || bad=1
  echo "$name: $(wc -l <"$out/$name.manifest") entries"
done
if grep -E 'BUG|WARNING|Oops' "$work/out/dmesg.txt"; then bad=1; fi
exit $bad
