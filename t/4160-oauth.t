#!/usr/bin/perl
# XOAUTH2: access tokens from a token endpoint over HTTPS, believed by a real Dovecot that checks
# their signature; what happens when the endpoint or a token is no good.

use strict;
use warnings;
use Digest::SHA ();
use FindBin;
use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use MIME::Base64 ();
use POSIX ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);
use Luukku::Test::Dovecot;
use Luukku::Test::Proc qw(run_dir);
use Luukku::Test::Tls;

my $tls = Luukku::Test::Tls->new;
my $dir = temp_dir();
my $key = 'a key that both of them know';
my $secret = 'clien+ s&cret/=%';

sub base64url {
	return MIME::Base64::encode_base64($_[0], '') =~ tr{+/=}{-_}dr;
}

# A JSON Web Token (RFC 7519), signed with HS256; long, as those of large providers are.
sub token {
	my ($user, $seconds) = @_;
	my $now = time;
	my $text = join '.', map { base64url(JSON::PP->new->canonical->encode($_)) } { alg => 'HS256', typ => 'JWT' },
		{ sub => $user, iat => $now - 10, nbf => $now - 10, exp => $now + $seconds, filler => 'x' x 2200 };
	return "$text." . base64url(Digest::SHA::hmac_sha256($text, $key));
}

# --- the token endpoint: what it answers stands in a file, what it was asked in another ---------

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8) or die "listen: $!";
my $url = 'https://localhost:' . $listener->sockport . '/tenant/oauth2/v2.0/token';
my $parent = $$;
my $server = fork // die "fork: $!";
if ($server == 0) {
	$SIG{PIPE} = 'IGNORE';
	while (getppid() == $parent) {
		my $socket = $listener->accept or next;
		IO::Socket::SSL->start_SSL($socket, SSL_server => 1, SSL_cert_file => $tls->cert('good')->{cert},
			SSL_key_file => $tls->cert('good')->{key}) or next;
		my ($head, $body) = ('', '');
		while (defined(my $line = <$socket>)) {
			last if $line eq "\r\n";
			$head .= $line;
		}
		read $socket, $body, $1 if $head =~ /^Content-Length: (\d+)/mi;
		open my $log, '>>', "$dir/asked" or die;
		print $log $head =~ /^(.*)\r\n/, " $body\n";
		close $log;
		my $answer = slurp("$dir/answer");
		print $socket $answer;
		close $socket;
	}
	POSIX::_exit(0);
}
END {
	if ($server && $$ == $parent) {
		local $?;
		kill 'KILL', $server;
		waitpid $server, 0;
	}
}

sub answer {
	my ($status, $body) = @_;
	$body = JSON::PP->new->canonical->encode($body) if ref $body;
	spew("$dir/answer.new", "HTTP/1.1 $status\r\nContent-Type: application/json\r\nContent-Length: "
			. length($body) . "\r\nConnection: close\r\n\r\n$body");
	rename "$dir/answer.new", "$dir/answer" or die $!;
	return;
}

sub good {
	my ($user, $seconds) = @_;
	return answer('200 OK', { token_type => 'Bearer', expires_in => $seconds, access_token => token($user, $seconds) });
}

sub asked {
	return split /\n/, slurp("$dir/asked") // '';
}

# --- a Dovecot that takes tokens only -----------------------------------------------------------

my $keys = run_dir() . '/oauth-keys';
for my $path ($keys, "$keys/default", "$keys/default/HS256") {
	mkdir $path or die "$path: $!";
	chmod 0755, $path;
}
spew("$keys/default/HS256/default", MIME::Base64::encode_base64($key, ''), 0644);
spew("$keys.conf", "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=$keys/\nusername_attribute = sub\n", 0644);
my $dovecot = Luukku::Test::Dovecot->start(users => {}, settings => <<"END");
auth_mechanisms = xoauth2
passdb {
  driver = oauth2
  mechanisms = xoauth2
  args = $keys.conf
}
END

my $desk = Luukku::Test::Desk->start(mailboxes => join ",\n", map {
	my ($name, $protocol) = @$_;
	qq(  { name = "$name"; protocol = "$protocol"; host = "127.0.0.1"; port = ) . $dovecot->port($protocol)
		. qq(; tls = "starttls"; ca_file = ") . $tls->ca . qq("; user = "$name\@example.fi"; auth = "xoauth2";
    oauth2: { token_url = "$url"; client_id = "luukku/1"; client_secret_file = "client.pass"; scope = "mail .default"; };
    poll = "1s"; after = "delete"; on_backlog = "normal"; })
} ['ict', 'imap'], ['hr', 'pop3']);
spew($desk->dir . '/client.pass', "$secret\n", 0600);
$desk->give_away($desk->dir . '/client.pass');

sub probe {
	my ($name) = @_;
	my $done = $desk->ctl('check', '--connect', '--json');
	my @said = grep { $_->{message} =~ /^mailbox $name / } @{ JSON::PP->new->decode($done->{out}) };
	return @said ? $said[0]{message} : 'OK';
}

# --- logins --------------------------------------------------------------------------------------

good('ict@example.fi', 3600);
is($desk->ctl('check')->{status}, 0, 'the configuration') or diag $desk->ctl('check')->{err};
is(probe('ict'), 'OK', 'IMAP: logged in by a token');
like((asked())[0], qr{^POST /tenant/oauth2/v2\.0/token HTTP/1\.1 grant_type=client_credentials&client_id=luukku%2F1&scope=mail%20\.default&client_secret=clien%2B%20s%26cret%2F%3D%25\z},
	'what the endpoint is asked');
good('hr@example.fi', 3600);
is(probe('hr'), 'OK', 'POP3: logged in by a token');
like(probe('ict'), qr/login refused for ict\@example\.fi: check user and the oauth2 settings/, 'a token for somebody else');

# --- answers that are no good: what a person is told; the secret never ----------------------------

for my $case (
	['a wrong secret', '401 Unauthorized', { error => 'invalid_client', error_description => "bad secret: $secret" },
		qr/answered 401 \(invalid_client: bad secret: .*\): check oauth2\.client_id, client_secret and scope/],
	['no such scope', '400 Bad Request', { error => 'invalid_scope' }, qr/answered 400 \(invalid_scope\): check/],
	['out of order', '503 Service Unavailable', 'sorry', qr/answered 503 \(no reason given\): it is asked again later/],
	['elsewhere', "302 Found\r\nLocation: https://localhost:1/", '', qr/answered 302 /],
	['not JSON', '200 OK', '<html>', qr/with no bearer token: check oauth2\.token_url/],
	['no token', '200 OK', { token_type => 'Bearer' }, qr/with no bearer token/],
	['another kind of token', '200 OK', { token_type => 'mac', access_token => 'x' }, qr/with no bearer token/],
	['a token that would be a command', '200 OK', { access_token => "x\r\nA1 LOGOUT" }, qr/characters RFC 6750 does not allow/],
	['an endless answer', '200 OK', 'x' x 200_000, qr/its answer is too long/],
	)
{
	my ($name, $status, $body, $want) = @$case;
	answer($status, $body);
	my $said = probe('ict');
	like($said, $want, $name);
	unlike($said, qr/\Q$secret\E/, "$name: the secret is not told");
}
{
	my $conf = slurp($desk->conf);
	good('ict@example.fi', 3600);
	my $other = $tls->other_ca;
	spew($desk->conf, $conf =~ s/ca_file = "[^"]+"/ca_file = "$other"/r, 0600);
	$desk->give_away($desk->conf);
	like(probe('ict'), qr/no access token from https:.*certificate/, 'a certificate nobody vouches for');
	spew($desk->conf, $conf =~ s{https://localhost:\d+}{http://login.example.fi}r, 0600);
	$desk->give_away($desk->conf);
	my $done = $desk->ctl('check');
	is($done->{status}, 78, 'a token URL without TLS is refused');
	like("$done->{out}$done->{err}", qr/luukku\.conf:\d+: .*a token is asked for over https:.. only/, 'with its line');
	spew($desk->conf, $conf, 0600);
	$desk->give_away($desk->conf);
}

# --- a desk: mail comes in, one token serves many logins -----------------------------------------

my $text = slurp($desk->conf);
spew($desk->conf, $text =~ s/,\n  \{ name = "hr".*?\}; *\n.*?\}//sr, 0600);
$desk->give_away($desk->conf);
good('ict@example.fi', 3600);
unlink "$dir/asked";
$dovecot->deliver('ict@example.fi', mail(subject => 'Tulostin ei toimi'));
$desk->up;
wait_until('the mail to be a ticket', sub { $desk->db->sql('SELECT count(*) FROM ticket') == 1 });
is(scalar(asked()), 1, 'one token');
answer('503 Service Unavailable', 'sorry');
# A server that restarts ends the sessions: the token that is kept opens the next one.
$dovecot->stop;
$dovecot->launch;
$dovecot->deliver('ict@example.fi', mail(subject => 'Toinen asia'));
wait_until('the next mail', sub { $desk->db->sql('SELECT count(*) FROM ticket') == 2 });
cmp_ok(scalar(asked()), '<=', 3, 'the endpoint was not asked for each try');
$desk->down;
unlike($desk->log, qr/\Q$secret\E|eyJ/, 'neither secret nor token in the log');
done_testing;
