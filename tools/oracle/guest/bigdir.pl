# bigdir.pl DIR : a directory of 6000 entries, every second one removed again; 60 nested directories.
# Most entries are hard links to a few fifos: names are what this is about, and an inode each would be megabytes.
use strict;
chdir $ARGV[0] or die $!;
mkdir 'big' or die $!; mkdir 'targets' or die $!;
for my $i (0 .. 29) { system('mknod', "targets/fifo-$i", 'p') == 0 or die }
sub name {
  my ($i) = @_;
  return sprintf 'long-%04d-%s', $i, chr(97 + $i % 26) x 245 if $i % 40 == 7;   # 255 bytes
  return sprintf 'ж' x ($i % 30 + 1) . '%d', $i if $i % 40 == 9;                # many lengths, two bytes a letter
  return "entry-$i";
}
for my $i (0 .. 5999) {
  if ($i % 20 == 3) { open my $file, '>', 'big/' . name($i) or die $!; print $file $i }
  elsif ($i % 300 == 5) { mkdir 'big/' . name($i) or die $! }
  else { link 'targets/fifo-' . $i % 30, 'big/' . name($i) or die $! }
}
system 'sync';
for (my $i = 0; $i < 6000; $i += 2) { unlink 'big/' . name($i) or die $! }
# The holes are used again, first fit.
for my $i (0 .. 99) { link 'targets/fifo-0', "big/again-$i" or die $! }
# Emptied again: blocks without entries stay behind.
mkdir 'emptied' or die $!;
for my $i (0 .. 599) { link 'targets/fifo-1', "emptied/$i" or die $! }
for my $i (0 .. 599) { unlink "emptied/$i" or die $! if $i != 411 }
my $path = 'deep';
for my $level (1 .. 60) { mkdir $path or die $!; chdir $path or die $!; $path = "level-$level" }
open my $file, '>', 'bottom' or die $!; print $file "sixty levels down\n";
