# tree.sh DIR MANY : fills the new directory DIR with one of everything: sizes around the inline limits and the block
# size, holes, every file type, long and unusual names, old and future times, xattrs, and a directory that held MANY
# files before a third of them went.
mkdir "$1"; cd "$1" || exit 1
set -e
: >empty; printf x >one; head -c 3000 /in/text >inline
for n in 3488 3692 3693; do head -c $n /in/text >i$n; done
for n in 4095 4096 4097; do head -c $n /in/text >b$n; done
cp /in/text text; cp /in/random random; cp /in/mixed mixed; cp /in/program program
dd if=/in/random of=sparse bs=4096 count=3 seek=1000 2>/dev/null
dd if=/in/random of=sparse bs=4096 count=2 seek=10 conv=notrunc 2>/dev/null
truncate -s 9000001 sparse
cp text punched; sync; /usr/bin/fallocate -p -o 20480 -l 24576 punched; /usr/bin/fallocate -z -o 10000 -l 9000 punched
cp one fallocated; /usr/bin/fallocate -l 30000 fallocated; cp one kept; /usr/bin/fallocate -n -l 30000 kept
ln -s text short; ln -s "$(head -c 900 /in/text | tr -c a-z / | cut -c1-900)" long; ln text hard; ln text hard2
mknod null c 1 3; mknod blk b 259 70000; mknod fifo p
perl -e 'socket S, 1, 1, 0 or die; bind S, pack "S a108", 1, "socket" or die'
mkdir -p a/b/c/d/e; echo deep >a/b/c/d/e/f
echo n >"$(head -c 240 /in/text | tr -c a-z _)"; echo u >"ünïcödé 文件 🙂"; echo s >"white space  "; echo b >'back\slash | "quotes"'
chmod 4755 one; chmod 1777 a; chown 1000:2000 inline; chmod 0 b4095
touch -d "1999-12-31 23:59:59" b4096; touch -d "2040-01-02 03:04:05" b4097; touch -h -d "1950-06-07 08:09:10" short
setfattr -n user.small -v hello text; setfattr -n user.big -v "$(head -c 2500 /in/text)" text
setfattr -n trusted.t -v 1 a; setfattr -n security.foo -v bar one; setfacl -m u:1234:rw inline
mkdir many
perl -e 'for my $i (0 .. $ARGV[0] - 1) { open F, ">many/file-$i" or die; print F "$i\n"; close F }
  for (my $i = 0; $i < $ARGV[0]; $i += 3) { unlink "many/file-$i" or die }' "$2"
cd /; sync
