#!/usr/bin/perl
# README says what is so: its commands, folders, libraries and the functions on a message's way.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;

my $top = source_dir();
my $readme = slurp("$top/README");

# path.c:function, each defined in that file.
my %named;
$named{"$1:$2"} = [$1, $2] while $readme =~ m{\b((?:daemon|lib)/[\w/-]+\.c):(\w+)}g;
cmp_ok(scalar keys %named, '>=', 15, 'README names the functions on the way of a message');
for my $name (sort keys %named) {
	my ($path, $function) = @{ $named{$name} };
	my $code = -e "$top/$path" ? slurp("$top/$path") : '';
	like($code, qr/^(?!\s)[\w \t*]*\b\Q$function\E\([^;{]*\)\s*\n\{/m, "$name is defined there");
}

# Its first two commands.
my ($first) = $readme =~ /^    (\S+)/m;
is($first, 'contrib/quickstart/run', 'the first command of README');
ok(-x "$top/$_", "$_ can be run") for 'contrib/quickstart/run', 't/run', '.ci/run';

# The tree it draws.
my ($tree) = $readme =~ /^The tree:\n\n(.*?)\n\n/ms;
my @drawn = $tree =~ m{^    ([\w/]+)/ }mg;
my %tracked = map { m{^(lib/[^/]+|[^/.]+)/} ? ($1 => 1) : () } tracked_files(qr/./);
is_deeply([sort @drawn], [sort keys %tracked], 'README draws the folders there are');

# The commands of luukkuctl that it mentions.
program('luukkuctl');
my $help = run(['luukkuctl', 'help'])->{out};
my %mentioned;
$mentioned{$1} = 1 while $readme =~ /luukkuctl ((?:key|quarantine|outbox) \w+|[a-z]+)\b(?! +everything)/g;
cmp_ok(scalar keys %mentioned, '>=', 8, 'README mentions commands');
like($help, qr/^  \Q$_\E /m, "luukkuctl has $_") for sort keys %mentioned;

# The programs.
my @programs = $readme =~ /^    (luukku[\w-]*)  /mg;
is_deeply([sort @programs], [sort map { m{^daemon/(luukku[\w-]*)\.c$} } tracked_files(qr{^daemon/luukku[\w-]*\.c$})],
	'README lists the programs');

# Each library that the build looks for has its line.
my %line = (glib => 'GLib', libsodium => 'libsodium', jansson => 'jansson', libconfig => 'libconfig',
	libpcre2 => 'PCRE2', gmime => 'GMime', libxml => 'libxml2', libytnef => 'libytnef', ksba => 'libksba',
	libexttextcat => 'libexttextcat', libseccomp => 'libseccomp', libmicrohttpd => 'libmicrohttpd', gnutls => 'GnuTLS', libcurl => 'libcurl',
	libpq => 'libpq');
for my $module (slurp("$top/CMakeLists.txt") =~ /pkg_check_modules\(\w+ REQUIRED IMPORTED_TARGET ([a-z]+[0-9]?)/g) {
	my ($key) = grep { index($module, $_) == 0 } sort keys %line;
	ok($key, "$module is known to this test") or next;
	like($readme, qr/^    \Q$line{$key}\E +\S/m, "README says what $line{$key} is for");
}
like($readme, qr/^    libetpan +\S/m, 'README says what libetpan is for');
like($readme, qr/RFC 8601, section 5/, 'README tells what the mail server must remove');

done_testing;
