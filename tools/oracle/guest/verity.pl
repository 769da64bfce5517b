# verity.pl FILE ... : switches fs-verity on for each FILE (SHA-256, blocks of 4096 bytes, no salt, no signature).
use strict;
use constant ENABLE_VERITY => 0x40806685;
for my $path (@ARGV) {
  open my $file, '<', $path or die "$path: $!\n";
  # struct fsverity_enable_arg: version, hash algorithm, block size, salt size, then zeros up to 128 bytes.
  my $argument = pack 'L4 x112', 1, 1, 4096, 0;
  ioctl $file, ENABLE_VERITY, $argument or die "$path: ioctl: $!\n";
}
