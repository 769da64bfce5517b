# compress.sh CLUSTER_LOG : on a volume mounted at /mnt with compression: /mnt/d (tree.sh) without it, /mnt/c with it.
# /mnt/c holds clusters of every kind: compressed, kept raw, rewritten, cut, grown, punched, sparse, released.
# Leaves in /out: xattrs.extra, cblocks.extra (saved blocks TAB file, as Linux's get_cblocks says).
set -e
mkdir /mnt/c; chattr +c /mnt/c
sh /in/tree.sh /mnt/d 60
cd /mnt/c
for f in text random mixed program b4096 b4097 inline; do cp /mnt/d/$f .; done
# What follows needs whole clusters: of 64 KiB there is one in text, of 1 MiB one in lines.
case $1 in 8) base=lines ;; 4) base=text ;; *) base=half; head -c 40000 /in/text >/in/half ;; esac
size=$(stat -c %s /in/$base)
cp /in/$base over; sync; dd if=/in/random of=over bs=1000 count=9 seek=30 conv=notrunc 2>/dev/null; sync
dd if=/in/text of=over bs=3 count=1 seek=$((size / 4)) conv=notrunc 2>/dev/null
cp /in/$base trunc; sync; truncate -s $((size / 2 + 1)) trunc
cp /in/$base cut; sync; truncate -s $((size - 500)) cut
cp /in/$base grown; sync; truncate -s $((size * 3 / 2)) grown; sync; printf tail >>grown
cp /in/$base refused; sync; /usr/bin/fallocate -p -o 20480 -l 24576 refused 2>/dev/null && echo punch-accepted-on-a-compressed-file >>/out/note.extra
dd if=/in/text of=sparse bs=16384 count=4 seek=30 2>/dev/null; dd if=/in/text of=sparse bs=16384 count=2 seek=80 conv=notrunc 2>/dev/null
dd if=/dev/zero of=zeros bs=4096 count=300 2>/dev/null
# Longer than a cluster: two texts, or for clusters of 1 MiB one full cluster of texts and a tail.
n=2; [ "$1" = 8 ] && n=$((1048576 / $(stat -c %s text) + 1))
while [ $n -gt 0 ]; do cat /in/text; n=$((n - 1)); done >big; sync
if [ "$1" != 8 ]; then cp big bigover; sync; dd if=/in/random of=bigover bs=1000 count=9 seek=70 conv=notrunc 2>/dev/null; sync; fi
cp /in/$base released; sync; f2fs_io release_cblocks released >/dev/null 2>&1 || echo "release not supported" >>/out/note.extra
sync; for f in *; do printf "%s\t%s\n" "$(f2fs_io get_cblocks $f 2>/dev/null)" $f; done >/out/cblocks.extra
cd /
