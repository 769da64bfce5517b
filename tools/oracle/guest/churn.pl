# churn.pl DIR SEED OPERATIONS [CASEFOLD] : does OPERATIONS random things below DIR, the same ones for the same SEED and
# the same tree: create, overwrite, append, truncate, punch, preallocate, rename, link, symlink, mkdir, remove, xattrs,
# modes, times, fsync, checkpoints, cleaning; on a compressed volume also the compression flag, release and reserve.
# What Linux refuses (no space, a name in use, a released file) is part of the game. Prints how often each was done.
use strict;
use constant {
  FALLOCATE => 285, FSYNC => 74, SYNC => 162, LSETXATTR => 189, LREMOVEXATTR => 198, RENAMEAT2 => 316, AT_FDCWD => -100,
  SETFLAGS => 0x40086602, COMPRESSED => 0x4, CASEFOLDED => 0x40000000,
  HUGE => 1e8, COLLECT_GARBAGE => 0x4004f506, RELEASE => 0x8008f512, RESERVE => 0x8008f513,
};
my ($root, $seed, $operations, $casefold) = @ARGV;
srand $seed;
chdir $root or die "$root: $!\n";

my @sources = map { open my $file, '<', "/in/$_" or die "$_: $!"; local $/; scalar <$file> } qw(text random program mixed lines);
my (@files, @others, @dirs, @xattrs);
sub walk {
  my ($dir) = @_;
  push @dirs, $dir;
  opendir my $handle, $dir or die $!;
  for my $name (sort grep { !/^\.\.?$/ } readdir $handle) {
    my $path = "$dir/$name";
    if (-l $path) { push @others, $path } elsif (-d $path) { walk($path) } elsif (-f $path) { push @files, $path } else { push @others, $path }
  }
}
walk('.');

sub one { $_[int rand @_] }
# Small numbers as often as large ones.
sub amount { int 2 ** rand(log($_[0] + 1) / log 2) }
sub bytes {
  my ($length) = @_;
  return "\0" x $length if rand() < 0.1;
  my $source = one(@sources);
  my $at = int rand length $source;
  $source x= 2 + $length / length $source if $at + $length > length $source;
  return substr $source, $at, $length;
}
# A size near where the format changes its mind: inline data, blocks, clusters, the inode's last address.
sub size {
  my $kind = rand;
  return one(0, 1, 3487, 3488, 3489, 3691, 3692, 3693) if $kind < 0.15;
  return one(4096, 16384, 65536) * (1 + int rand 4) + one(-1, 0, 1) if $kind < 0.4;
  return amount(20000) if $kind < 0.7;
  return amount(400000);
}
my $serial = int rand 1000;
sub name {
  my $number = ++$serial;
  my $kind = rand;
  return "file-$number" if $kind < 0.6;
  return "Größe-文件-$number" if $kind < 0.75;
  return "$number-" . one('a' .. 'z') x (100 + int rand 140) if $kind < 0.85;
  return "$number space\tand | \"quotes\"";
}
sub new_path { one(@dirs) . '/' . name() }
sub ioctl_on { my ($path, $request, $argument) = @_; open my $file, '<', $path or return 0; ioctl $file, $request, $argument }
sub write_at {
  my ($path, $at, $data) = @_;
  open my $file, '+<', $path or return 0;
  sysseek $file, $at, 0;
  my $done = syswrite $file, $data;
  syscall FSYNC, fileno $file if rand() < 0.1;
  return $done;
}
sub allocate {
  my ($mode, $path, $at, $length) = @_;
  open my $file, '+<', $path or return 0;
  return syscall(FALLOCATE, fileno $file, $mode, $at, $length) == 0;
}
sub block { 4096 * int rand($_[0] / 4096 + 1) }
sub forget { my ($list, $path) = @_; @$list = grep { $_ ne $path } @$list }
sub size_of { (lstat $_[0])[7] || 0 }

my %does = (
  create => sub {
    my $path = new_path();
    open my $file, '>', $path or return 0;
    push @files, $path;
    my $data = bytes(size());
    # In one piece or in several, out of order.
    if (rand() < 0.7) { syswrite $file, $data }
    else { for my $at (sort { ($a * 7919) % 10007 <=> ($b * 7919) % 10007 } map { $_ * 10000 } 0 .. length($data) / 10000) { sysseek $file, $at, 0; syswrite $file, substr $data, $at, 10000 } }
    return 1;
  },
  overwrite => sub { my $path = one(@files); write_at($path, int rand(size_of($path) + 1), bytes(amount(60000))) },
  append => sub { my $path = one(@files); write_at($path, size_of($path), bytes(amount(60000))) },
  beyond => sub { my $path = one(@files); write_at($path, size_of($path) + one(amount(1e5), amount(3e7), 2e9 + amount(4e9)), bytes(amount(9000))) },
  # Never to what the manifest would have to hash for minutes.
  cut => sub {
    my $path = one(@files);
    my $size = size_of($path);
    truncate $path, $size < HUGE ? one(0, int rand($size + 1), block($size)) : one(0, amount(2e7), 2 ** 30 + 1 + int rand($size - 2 ** 30));
  },
  extend => sub { my $path = one(@files); truncate $path, size_of($path) + amount(1e6) },
  punch => sub { my $path = one(@files); allocate(3, $path, int rand(size_of($path) + 1), 1 + amount(50000)) },
  zero => sub { my $path = one(@files); allocate(one(0x10, 0x11), $path, int rand(size_of($path) + 1), 1 + amount(50000)) },
  preallocate => sub { my $path = one(@files); allocate(one(0, 1), $path, int rand(size_of($path) + 1), 1 + amount(50000)) },
  # Linux moves block by block, also holes.
  collapse => sub { my $path = one(@files); size_of($path) < HUGE && allocate(0x08, $path, block(size_of($path) / 2), 4096 * (1 + int rand 3)) },
  insert => sub { my $path = one(@files); size_of($path) < HUGE && allocate(0x20, $path, block(size_of($path) / 2), 4096 * (1 + int rand 3)) },
  rename => sub {
    my ($from, $to) = (one(@files), rand() < 0.3 ? one(@files) : new_path());
    return 0 if $from eq $to || !rename $from, $to;
    forget(\@files, $_) for $from, $to;
    push @files, $to;
    # Two names of one inode: then rename does nothing and both stay.
    push @files, $from if -e $from;
    return 1;
  },
  exchange => sub { my ($a, $b) = (one(@files) . '', one(@files) . ''); syscall(RENAMEAT2, AT_FDCWD, $a, AT_FDCWD, $b, 2) == 0 },
  move_dir => sub {
    my ($from, $to) = (one(@dirs), new_path());
    return 0 if $from eq '.' || !rename $from, $to;
    s{^\Q$from\E(?=/|\z)}{$to} for @dirs, @files, @others;
    return 1;
  },
  link => sub { my $path = new_path(); link one(@files), $path and push @files, $path },
  # No tab in a target: the manifest sorts by its last field, and could not tell where that begins.
  symlink => sub { my $path = new_path(); (my $target = one(@files) . one('', '/') . ('x' x amount(1500))) =~ tr/\t/ /; symlink $target, $path and push @others, $path },
  special => sub { my $path = new_path(); system('mknod', $path, one(['p'], ['c', 1, 3], ['b', 259, 70000])->@*) == 0 and push @others, $path },
  mkdir => sub {
    my $path = new_path();
    mkdir $path or return 0;
    push @dirs, $path;
    ioctl_on($path, SETFLAGS, pack 'L', CASEFOLDED) if $casefold && rand() < 0.5;
    return 1;
  },
  crowd => sub {
    my $dir = one(@dirs);
    my @made = grep { open my $file, '>', $_ } map { "$dir/" . name() } 1 .. 40 + int rand 100;
    for my $path (@made) { rand() < 0.8 ? unlink $path : push @files, $path }
    return scalar @made;
  },
  remove => sub { my $path = one(@files); unlink $path or return 0; forget(\@files, $path); 1 },
  remove_other => sub { return 0 if !@others; my $path = one(@others); unlink $path or return 0; forget(\@others, $path); 1 },
  rmdir => sub { for my $path (reverse @dirs) { next if $path eq '.' || !rmdir $path; forget(\@dirs, $path); return 1 } 0 },
  set_xattr => sub {
    my $path = one(rand() < 0.8 ? @files : @dirs) . '';
    my $name = one('user.', 'trusted.', 'security.') . one('a', 'b', 'name', 'n' x 200);
    my $value = bytes(one(0, amount(150), amount(3000)));
    syscall(LSETXATTR, $path, $name, $value, length $value, 0) == 0 or return 0;
    push @xattrs, [$path, $name];
    return 1;
  },
  remove_xattr => sub { return 0 if !@xattrs; my ($path, $name) = @{one(@xattrs)}; syscall(LREMOVEXATTR, $path, $name) == 0 },
  mode => sub { chmod int rand 07777, one(@files, @dirs) },
  owner => sub { chown int rand 70000, int rand 70000, one(@files, @dirs) },
  times => sub { my $at = int rand 4e9; utime $at, $at, one(@files, @dirs) },
  compress => sub { ioctl_on(one(@dirs, @files), SETFLAGS, pack 'L', rand() < 0.8 ? COMPRESSED : 0) },
  release => sub { my $path = one(@files); syscall SYNC; ioctl_on($path, RELEASE, pack 'Q', 0) or return 0; rand() < 0.5 and ioctl_on($path, RESERVE, pack 'Q', 0); 1 },
  sync => sub { syscall SYNC; 1 },
  clean => sub { ioctl_on('.', COLLECT_GARBAGE, pack 'L', 1) },
);
my %weight = (
  create => 60, overwrite => 40, append => 25, beyond => 8, cut => 15, extend => 5, punch => 12, zero => 6, preallocate => 6, collapse => 3, insert => 3,
  rename => 15, exchange => 4, move_dir => 5, link => 8, symlink => 6, special => 2, mkdir => 10, crowd => 2, remove => 30, remove_other => 2, rmdir => 3,
  set_xattr => 25, remove_xattr => 6, mode => 5, owner => 4, times => 5, compress => 5, release => 3, sync => 4, clean => 2,
);
my @bag = map { ($_) x $weight{$_} } sort keys %weight;
my (%done, %refused);
# Bounded, so that a volume of 64 MiB is never full for long.
my $most = @files > 90 ? @files + 30 : 90;
for (1 .. $operations) {
  my $what = @files < 3 ? 'create' : one(@bag);
  $what = 'remove' if @files > $most;
  $does{$what}->() ? $done{$what}++ : $refused{$what}++;
}
print join(' ', map { "$_:" . ($done{$_} || 0) . ($refused{$_} ? "(-$refused{$_})" : '') } sort keys %weight), "\n";
