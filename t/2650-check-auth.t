#!/usr/bin/perl
# check --auth: which Authentication-Results of a mail are believed, and why not the others.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;

my $dir = temp_dir();
spew("$dir/site.key", '0' x 63 . "1\n", 0600);
spew("$dir/pass", "secret\n", 0600);
mkdir "$dir/$_" for qw(run spool);

sub check {
	my ($site, $headers, @options) = @_;
	spew("$dir/luukku.conf", <<"CONF", 0600);
site: { name = "Test"; prefix = "TUKI"; domain = "example.fi"; key_file = "site.key"; $site
  run_dir = "$dir/run"; spool_dir = "$dir/spool"; };
database: { conninfo = "host=/nonexistent dbname=x user=luukku"; };
smtp: { host = "127.0.0.1"; port = 25; tls = "none"; auth = "none"; envelope_from = "b\@example.fi"; };
mailboxes: ( { name = "pipe"; protocol = "none"; } );
queues: ( { name = "ict"; addresses = ( "ict\@example.fi" ); } );
CONF
	spew("$dir/mail.eml", "${headers}From: Aino <aino\@firma.example>\nTo: ict\@example.fi\nSubject: x\n\nHei\n");
	my $done = run(['luukkuctl', '-c', "$dir/luukku.conf", 'check', '--auth', "$dir/mail.eml", @options]);
	is($done->{status}, 0, 'exit status') or diag $done->{err};
	return $done->{out};
}

my $both = 'authserv = ( "mx.example.fi" ); relays = ( "mx.example.fi" );';
my $ours = "Authentication-Results: mx.example.fi; spf=pass smtp.mailfrom=firma.example; dkim=pass header.d=firma.example; dmarc=pass header.from=firma.example\n";
my $relay = "Received: from a (b [192.0.2.1]) by mx.example.fi with ESMTP; Mon, 2 Mar 2026 10:00:00 +0200\n";
my $foreign = "Received: from c by a.example with ESMTP; Mon, 2 Mar 2026 09:59:00 +0200\n";

my $good = check($both, $ours . $relay . $foreign);
like($good, qr/^From:? +aino\@firma\.example$/m, 'whose mail');
like($good, qr/^Header:? +mx\.example\.fi: believed$/m, 'above what the relay wrote');
like($good, qr/^Result:? +spf pass, dkim pass, dmarc pass$/m, 'what it says');
like($good, qr/^Signed by:? +firma\.example$/m, 'who signed');

my $planted = check($both, $relay . $foreign . $ours);
like($planted, qr/mx\.example\.fi: not believed: it stands below what a relay of site\.relays wrote/, 'put there by the sender');
like($planted, qr/^Result:? +none: nothing is known of the sender$/m, 'so nothing is known');

like(check($both, $foreign . $ours), qr/not believed: no relay of site\.relays wrote the topmost Received/, 'a foreign line on top');
like(check($both, $relay . "Authentication-Results: other.example; dmarc=pass\n"),
	qr/^Header:? +other\.example: not believed: its authserv-id is not in site\.authserv$/m, 'another server\'s');
my $two = check($both, $relay . $ours . $ours =~ s/pass/fail/gr);
is(scalar(() = $two =~ /: believed$/mg), 1, 'one of two counts');
like($two, qr/not believed: one of this id above it counts/, 'the other is told of');
like(check('', $ours), qr/not believed: its authserv-id is not in site\.authserv/, 'a site that names no server');
like(check($both, ''), qr/the mail has no Authentication-Results/, 'none at all');
like(check($both, "Authentication-Results: \n"), qr/^Header:? +\?: not believed: it cannot be read$/m, 'an empty one');

my $json = JSON::PP->new->decode(check($both, $ours . $relay, '--json'));
is_deeply($json, { headers => ['mx.example.fi: believed'], auth => { spf => 'pass', dkim => 'pass', dmarc => 'pass' } }, '--json');
done_testing;
