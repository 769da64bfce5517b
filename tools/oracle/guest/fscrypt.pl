# fscrypt.pl MOUNT POLICY DIR [POLICY DIR ...] : gives the volume at MOUNT the master key of bytes 00 01 .. 3f and
# each (empty) DIR a policy that uses it: AES-256-XTS for contents, AES-256-CTS for names.
# POLICY: v2:FLAGS or v1:FLAGS; FLAGS 0 to 3 pad names to 4, 8, 16 or 32 bytes.
use strict;
use constant { ADD_KEY => 0xc0506617, SET_POLICY => 0x800c6613, BY_DESCRIPTOR => 1, BY_IDENTIFIER => 2 };
my $key = pack 'C*', 0 .. 63;
my $descriptor = 'f2fskit!';

sub call {
  my ($path, $request, $argument) = @_;
  open my $dir, '<', $path or die "$path: $!\n";
  ioctl $dir, $request, $$argument or die "$path: ioctl: $!\n";
}
my ($mount, @policies) = @ARGV;
# struct fscrypt_add_key_arg: key specifier {type, reserved, 32 bytes}, raw size, key id, 32 reserved bytes, the key.
my $add = pack 'L L a32 L L x32 a*', BY_IDENTIFIER, 0, '', length $key, 0, $key;
call($mount, ADD_KEY, \$add);
my $identifier = substr $add, 8, 16;
my $add_v1 = pack 'L L a32 L L x32 a*', BY_DESCRIPTOR, 0, $descriptor, length $key, 0, $key;
call($mount, ADD_KEY, \$add_v1);
while (my ($policy, $dir) = splice @policies, 0, 2) {
  my ($version, $flags) = $policy =~ /^v([12]):([0-3])$/ or die "$policy: not a policy\n";
  my $argument = $version == 2 ? pack 'C C C C x4 a16', 2, 1, 4, $flags, $identifier
                               : pack 'C C C C a8', 0, 1, 4, $flags, $descriptor;
  call($dir, SET_POLICY, \$argument);
}
print "key identifier ", unpack('H*', $identifier), "\n";
