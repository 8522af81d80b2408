package Luukku::Test::Axe;

# axe-core on a page of Luukku::Test::Browser: what it finds wrong for people who use a keyboard, a screen
# reader, large type or other colours. It is code of others (MPL-2.0), so it is not in the tree: it comes from
# the npm registry, is checked by its digest, and is kept in a folder of the cache.
#
#   use Luukku::Test::Axe;               skips (or dies) when it cannot be had
#   my @words = Luukku::Test::Axe::violations($page);

use strict;
use warnings;
use Archive::Tar ();
use Digest::SHA ();
use File::Path ();
use HTTP::Tiny ();
use IO::Uncompress::Gunzip ();
use Luukku::Test::Base qw(skip_or_die slurp spew);

my $version = '4.10.3';
my $digest = '5e6edba515e70d25f6604d9815f064d859c5d1ea7ab661bbc4f87c88779ef0c21cae0abbeb636471ef39e9d62d2582e4b88a1866f19f4ecfcf6d986275e4dc12';
my $source;

sub folder {
	return ($ENV{XDG_CACHE_HOME} // ($ENV{HOME} // '/tmp') . '/.cache') . '/luukku-test';
}

# As npm finds it: environment, the user's .npmrc, the public one.
sub registry {
	my $url = $ENV{npm_config_registry} // $ENV{NPM_CONFIG_REGISTRY};
	my $file = ($ENV{HOME} // '/root') . '/.npmrc';
	($url) = slurp($file) =~ /^\s*registry\s*=\s*(\S+)/m if !$url && -r $file;
	$url //= 'https://registry.npmjs.org';
	return $url =~ s{/+\z}{}r;
}

sub fetch {
	my $http = HTTP::Tiny->new(timeout => 60, verify_SSL => 1,
		SSL_options => { SSL_ca_file => '/etc/ssl/certs/ca-certificates.crt' });
	my $answer = $http->get(registry() . "/axe-core/-/axe-core-$version.tgz");
	return ($answer->{content}, undef) if $answer->{success} && Digest::SHA::sha512_hex($answer->{content}) eq $digest;
	return (undef, $answer->{success} ? 'has another digest' : "$answer->{status} $answer->{reason}");
}

sub import {
	my $path = folder() . "/axe-core-$version.tgz";
	my $bytes = -r $path ? slurp($path) : undef;
	if (!defined $bytes || Digest::SHA::sha512_hex($bytes) ne $digest) {
		($bytes, my $why) = fetch();
		return skip_or_die("axe-core $version cannot be had from @{[ registry() ]}: $why") if !defined $bytes;
		# Where it cannot be kept it is fetched again the next time.
		eval {
			File::Path::make_path(folder());
			spew("$path.$$", $bytes, 0644);
			rename "$path.$$", $path;
			1;
		} or unlink "$path.$$";
	}
	IO::Uncompress::Gunzip::gunzip(\$bytes, \my $plain) or die 'axe-core does not unpack';
	open my $in, '<', \$plain or die $!;
	my $tar = Archive::Tar->new($in) or die 'axe-core is no archive: ' . Archive::Tar->error;
	$source = $tar->get_content('package/axe.min.js') // die 'axe-core has no axe.min.js';
	utf8::decode($source);
	return;
}

# "rule (impact): help: element; element"
sub violations {
	my ($page) = @_;
	$page->eval("$source; true");
	my $found = $page->eval(<<'JS');
axe.run(document, { resultTypes: ['violations'], runOnly: { type: 'tag',
	values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } }).then(r => r.violations.map(v =>
	v.id + ' (' + v.impact + '): ' + v.help + ': ' + v.nodes.slice(0, 5).map(n => n.target.join(' ') + ' ' +
	(n.any[0] ? n.any[0].message : '')).join('; ')))
JS
	return @$found;
}

1;
