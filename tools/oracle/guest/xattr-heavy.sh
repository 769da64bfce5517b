# xattr-heavy.sh DIR : xattrs at and around every limit: none, inline, inline and a node, values that straddle the two,
# the largest, 255-byte names, empty and binary values, every namespace, ACLs, removals and replacements.
cd "$1" || exit 1
set -e
bytes() { head -c "$1" /in/text | tr -c a-z .; }
hex() { echo "0x$(head -c "$1" /in/random | od -An -v -tx1 | tr -d ' \n')"; }
: >none
: >empty-value; setfattr -n user.empty empty-value
: >spaces; setfattr -n user.text -v ' two words and "quotes" \\ ' spaces
for n in 1 2 3 4 5 100 150 160 164 165 166 167 168 169 170 171 172 180 190 200; do : >inline-$n; setfattr -n user.v -v "$(bytes $n)" inline-$n; done
for n in 1000 3000 3700 3800 3900 4000 4040; do : >node-$n; setfattr -n user.v -v "$(bytes $n)" node-$n || echo "$n: refused" >>/out/note.extra; done
: >binary; setfattr -n user.binary -v "$(hex 300)" binary; setfattr -n user.zeros -v 0x0000000000 binary
: >long-name; setfattr -n user.$(head -c 250 /dev/zero | tr '\0' n) -v found long-name
setfattr -n user.$(head -c 249 /dev/zero | tr '\0' n)m -v other long-name
: >namespaces; for n in user trusted security; do setfattr -n $n.same-name -v "in $n" namespaces; done
setfattr -n security.selinux -v 'u:object_r:system_file:s0' namespaces
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 namespaces
: >many; i=0; while [ $i -lt 90 ]; do setfattr -n user.attribute-$i -v "value of $i" many; i=$((i + 1)); done
: >straddle; for n in 90 90 90 90; do i=$((i + 1)); setfattr -n user.s$i -v "$(bytes $n)" straddle; done
: >removed; i=0; while [ $i -lt 30 ]; do setfattr -n user.r$i -v "$(bytes 60)" removed; i=$((i + 1)); done
sync; i=0; while [ $i -lt 30 ]; do setfattr -x user.r$i removed; i=$((i + 2)); done
: >all-removed; setfattr -n user.a -v "$(bytes 900)" all-removed; sync; setfattr -x user.a all-removed
: >shrunk; setfattr -n user.a -v "$(bytes 900)" shrunk; setfattr -n user.b -v b shrunk; sync; setfattr -n user.a -v small shrunk
: >grown; setfattr -n user.a -v a grown; setfattr -n user.b -v b grown; sync; setfattr -n user.a -v "$(bytes 900)" grown
head -c 3000 /in/text >data-inline; setfattr -n user.a -v "$(bytes 100)" data-inline
cp /in/text data; setfattr -n user.a -v "$(bytes 1000)" data
mkdir dir; setfattr -n user.on-a-directory -v yes dir; setfattr -n trusted.on-a-directory -v "$(bytes 700)" dir
ln -s nowhere link; setfattr -h -n trusted.on-a-symlink -v yes link
mknod fifo p; setfattr -n security.on-a-fifo -v yes fifo; mknod null c 1 3; setfattr -n trusted.on-a-device -v yes null
: >acl; setfacl -m u:1000:rw,u:70000:r,g:2000:x,m::rwx acl
mkdir acl-dir; setfacl -m u:1000:rwx,g:50:r acl-dir; setfacl -d -m u:1234:rx,g:4321:rwx,o::- acl-dir; mkdir acl-dir/inherits; : >acl-dir/inherits/file
mkdir acl-default-only; setfacl -d -m u:7:rwx acl-default-only
: >acl-many; setfacl -m "$(i=1; while [ $i -le 100 ]; do printf 'u:%d:r,' $((i * 11)); i=$((i + 1)); done)g:1:r" acl-many
cd /; sync
