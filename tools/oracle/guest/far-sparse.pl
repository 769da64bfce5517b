# far-sparse.pl DIR : one file for each place of the node tree that data can hang from, and files that cross them.
# A block number is a position in units of 4096 bytes; A is the number of addresses in an inode without inline xattrs.
use strict;
chdir $ARGV[0] or die $!;
use constant { BLOCK => 4096, A => 923, D => 1018 };
my %first = (
  'direct-1' => A, 'direct-2' => A + D, 'indirect-1' => A + 2 * D, 'indirect-2' => A + 2 * D + D * D,
  'double' => A + 2 * D + 2 * D * D,
  # Linux's limit does not count the inode's own addresses: 4329687105536 bytes.
  'end' => 2 * D + 2 * D * D + D * D * D,
);
sub put {
  my ($name, @blocks) = @_;
  open my $file, -e $name ? '+<' : '>', $name or die "$name: $!";
  for my $block (@blocks) {
    sysseek $file, $block * BLOCK, 0 or die $!;
    my $data = ("block $block of $name\n" x 400);
    syswrite($file, substr $data, 0, BLOCK) == BLOCK or die "$name: block $block: $!";
  }
}
put('inode-last', A - 1);
for my $place ('direct-1', 'direct-2', 'indirect-1', 'indirect-2', 'double') {
  put("$place-first", $first{$place});
  put("$place-boundary", $first{$place} - 1, $first{$place});
}
put('double-second-indirect', $first{'double'} + D * D - 1, $first{'double'} + D * D);
put('5GB', int 5_000_000_000 / BLOCK); put('9.5GB', int 9_500_000_000 / BLOCK);
put('last-block', $first{'end'} - 1);
put('everywhere', 0, 5, map { ($first{$_} - 1, $first{$_} + 7) } 'direct-1', 'direct-2', 'indirect-1', 'indirect-2', 'double');
put('everywhere', $first{'end'} - 3);
for my $name ('4.3TB-hole') { open my $file, '>', $name or die $!; truncate $file, $first{'end'} * BLOCK or die $! }
put('cut-in-double', 1, $first{'double'} + 3 * D, $first{'double'} + 9 * D);
truncate 'cut-in-double', ($first{'double'} + 3 * D) * BLOCK + 100 or die $!;
put('cut-to-direct', 0, $first{'direct-1'} + 3, $first{'indirect-2'} + 5, $first{'double'} + 5);
truncate 'cut-to-direct', ($first{'direct-1'} + 3) * BLOCK + 1 or die $!;
put('sized-up', 3); truncate 'sized-up', 9_600_000_001 or die $!;
put('punched', 100 .. 120); system('/usr/bin/fallocate', '-p', '-o', 104 * BLOCK, '-l', 6 * BLOCK, 'punched') == 0 or die;
put('fallocated', 2); system('/usr/bin/fallocate', '-o', 10 * BLOCK, '-l', 20 * BLOCK, 'fallocated') == 0 or die; put('fallocated', 15);
put('alternate', map { $_ * 2 } 0 .. 60);
