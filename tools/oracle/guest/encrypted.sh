# encrypted.sh DIR : an encrypted tree in DIR, which has a policy already; CASEFOLD=1 also one that ignores case.
# Most files are empty: ciphertext would make the golden volume large.
cd "$1" || exit 1
set -e
# A ciphertext is the name padded, at least 16 bytes; above 149 bytes Linux shows a digest for the rest of it.
for n in 1 2 3 4 5 8 15 16 17 31 32 33 64 100 143 144 145 148 149 150 151 152 160 161 176 200 224 239 240 241 250 254 255; do
  : >"$(head -c $n /dev/zero | tr '\0' a)"
done
echo u >"ünïcödé 文件 🙂"; : >empty; head -c 9000 /in/text >text; head -c 3000 /in/text >would-be-inline; head -c 4096 /in/mixed >block
dd if=/in/random of=sparse bs=4096 count=2 seek=30 2>/dev/null; truncate -s 200001 sparse
ln text hard; ln -s text short-link; ln -s "$(head -c 700 /in/text | tr -c a-z /)" long-link; ln -s x x
mkdir -p sub/deeper/deepest; echo deep >sub/deeper/deepest/file; mkdir empty-dir
mknod fifo p; mknod null c 1 3; mknod blk b 8 1; perl -e 'socket S, 1, 1, 0 or die; bind S, pack "S a108", 1, "socket" or die'
mkdir many; perl -e 'for (1 .. 120) { mkdir "many/name-$_" and next if $_ % 40 == 0; open F, ">many/name-$_" or die; close F }'
setfattr -n user.plain -v "xattrs are not encrypted" text; chmod 640 text; chown 1000:2000 text
[ -z "${CASEFOLD:-}" ] || { mkdir fold; chattr +F fold; for n in CaseName ÄÖ Straße "$(head -c 200 /dev/zero | tr '\0' Z)"; do echo "$n" >"fold/$n"; done; }
cd /; sync
