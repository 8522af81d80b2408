#!/usr/bin/perl
# luukku-web by itself: what strangers may send, what goes back with every answer, and what it is able
# to do. No mail; a database that comes and goes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(run wait_until program slurp spew temp_dir);
use Luukku::Test::Http qw(header);
use Luukku::Test::Pg;
use Luukku::Test::Proc qw(spawn stop_pid is_running free_port unprivileged_ids);
use Test::More;
use Time::HiRes qw(time);

my $pg = Luukku::Test::Pg->start;
my $db = $pg->database;
my $dir = temp_dir();
chmod 0755, $dir;
my ($public, $internal) = (free_port(), free_port());
my $key = 'ab' x 32;
spew("$dir/site.key", "$key\n", 0600);
spew("$dir/board.token", "seinän salaisuus 123\n", 0600);
my $conninfo = $db->conninfo;
sub configure {
	my ($conninfo) = @_;
	my $text = <<"CONF";
site: { name = "Esimerkki <Oy>"; prefix = "TUKI"; domain = "example.fi"; language = "fi"; timezone = "Europe/Helsinki";
  key_file = "site.key"; run_dir = "$dir"; spool_dir = "$dir"; };
database: { conninfo = "$conninfo"; };
smtp: { host = "127.0.0.1"; port = 1; tls = "none"; auth = "none"; envelope_from = "ict\@example.fi"; };
mailboxes: ( { name = "pipe"; protocol = "none"; } );
agents: ( { name = "Aino Aalto"; address = "aino\@example.fi"; } );
queues: ( { name = "ict"; addresses = ( "ict\@example.fi" ); agents = ( "aino\@example.fi" ); } );
web: { listen = "127.0.0.1:$public"; public_url = "https://tuki.example.fi"; accessibility_url = "https://example.fi/saavutettavuus";
  internal = "127.0.0.1:$internal"; board_token_file = "board.token"; };
CONF
	spew("$dir/luukku.conf", $text, 0600);
	my ($uid, $gid) = unprivileged_ids();
	chown $uid, $gid, $dir, map { "$dir/$_" } qw(luukku.conf site.key board.token);
	return;
}
configure($conninfo);

my $pid;
sub start {
	my $log = "$dir/log";
	$pid = spawn(command => [program('luukku-web'), '-v', '-c', "$dir/luukku.conf"], log => $log);
	wait_until('luukku-web to listen', sub { -e $log && slurp($log) =~ /site=internal/ });
	return;
}
start();
my $site = Luukku::Test::Http->new(port => $public);
my $house = Luukku::Test::Http->new(port => $internal);

# --- the internal site -----------------------------------------------------------------------------
is($house->get('/healthz')->{status}, 200, 'healthz');
is($house->get('/healthz')->{body}, "ok\n", 'says ok');
is($house->get('/readyz')->{status}, 200, 'readyz with a database');
is($house->head('/healthz')->{body}, '', 'HEAD has no body');
is($site->get($_)->{status}, 404, "the public site has no $_") for qw(/healthz /readyz /metrics /board /);

# --- every answer ----------------------------------------------------------------------------------
my $page = $site->get('/nothing');
my %always = (
	'Cache-Control' => 'no-store', 'X-Content-Type-Options' => 'nosniff', 'Referrer-Policy' => 'no-referrer',
	'X-Frame-Options' => 'DENY', 'Connection' => 'close', 'Cross-Origin-Resource-Policy' => 'same-origin',
	'Content-Type' => 'text/html; charset=utf-8',
);
is(header($page, $_), $always{$_}, "$_: $always{$_}") for sort keys %always;
like(header($page, 'Content-Security-Policy'), qr/\Adefault-src 'none'; style-src 'sha256-[A-Za-z0-9+\/]{43}='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\z/,
	'a strict policy');
unlike($page->{head}, qr/^Set-Cookie/mi, 'no cookie');
unlike($page->{body}, qr/<script|<img|<link|\sstyle=|\son\w+=|https?:(?!\/\/example\.fi\/saavutettavuus)/i, 'no script, nothing from elsewhere');
like($page->{body}, qr/Esimerkki &lt;Oy&gt;/, 'names are escaped');
like($page->{body}, qr{<a href="https://example.fi/saavutettavuus">Saavutettavuusseloste}, 'the accessibility statement');
like($page->{body}, qr/<html lang="fi">/, 'Finnish by default');
my %asked = ('sv' => 'sv', 'sv-FI,fi;q=0.8' => 'sv', 'de, en;q=0.3, fi;q=0.2' => 'en', 'x' => 'fi', '*' => 'fi', 'en;q=0' => 'fi', 'e' => 'fi', 'fin' => 'fi');
like($site->get('/nothing', header => ["Accept-Language: $_"])->{body}, qr/<html lang="$asked{$_}">/, "Accept-Language: $_") for sort keys %asked;
like($site->get('/nothing?lang=en', header => ['Accept-Language: sv'])->{body}, qr/<html lang="en">/, '?lang= wins');

# --- hostile requests ------------------------------------------------------------------------------
my $host = "Host: x\r\n";
my $type = "Content-Type: application/x-www-form-urlencoded\r\n";
my @hostile = (
	['nothing at all', "\r\n\r\n", [0, 400]],
	['binary', join('', map { chr } 0 .. 255) x 4, [0, 400, 404]],
	['a TLS hello', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . ('z' x 500), [0, 400]],
	['no Host', "GET /healthz HTTP/1.1\r\n\r\n", [400]],
	['TRACE', "TRACE /healthz HTTP/1.1\r\n$host\r\n", [405]],
	['PUT', "PUT /healthz HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\nx", [405]],
	['POST where none is', "POST /healthz HTTP/1.1\r\n$host${type}Content-Length: 1\r\n\r\nx", [405]],
	['a made up method', "GETT /healthz HTTP/1.1\r\n$host\r\n", [405]],
	['CONNECT', "CONNECT x:80 HTTP/1.1\r\n$host\r\n", [0, 400, 404, 405]],
	['a long method', ('A' x 9000) . " / HTTP/1.1\r\n$host\r\n", [0, 400, 404, 405]],
	['a long path', "GET /" . ('a' x 100_000) . " HTTP/1.1\r\n$host\r\n", [0, 414]],
	['a long header', "GET /healthz HTTP/1.1\r\n${host}X: " . ('a' x 100_000) . "\r\n\r\n", [0, 413, 431]],
	['many headers', "GET /healthz HTTP/1.1\r\n$host" . join('', map { "X$_: y\r\n" } 1 .. 100) . "\r\n", [431]],
	['thousands of headers', "GET /healthz HTTP/1.1\r\n$host" . join('', map { "X$_: y\r\n" } 1 .. 5000) . "\r\n", [0, 413, 431]],
	['a huge length', "POST /healthz HTTP/1.1\r\n$host${type}Content-Length: 99999999999999999999999\r\n\r\n", [400, 413]],
	['a negative length', "POST /healthz HTTP/1.1\r\n$host${type}Content-Length: -1\r\n\r\n", [0, 400]],
	['a large body', "POST /healthz HTTP/1.1\r\n$host${type}Content-Length: 70000\r\n\r\n" . ('x' x 70_000), [413]],
	['an endless body in chunks', "POST /healthz HTTP/1.1\r\n$host${type}Transfer-Encoding: chunked\r\n\r\n"
		. ("2000\r\n" . ('x' x 0x2000) . "\r\n") x 20, [0, 405, 413]],
	['length and chunks', "POST /healthz HTTP/1.1\r\n$host${type}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [0, 400]],
	['two lengths', "POST /healthz HTTP/1.1\r\n$host${type}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", [0, 400, 405]],
	['a bad chunk', "POST /healthz HTTP/1.1\r\n$host${type}Transfer-Encoding: chunked\r\n\r\nzz\r\n", [0, 400, 405]],
	['a path that climbs', "GET /../../etc/passwd HTTP/1.1\r\n$host\r\n", [404]],
	['a whole URL', "GET http://127.0.0.1/healthz HTTP/1.1\r\n$host\r\n", [200, 404]],
	['a NUL in the path', "GET /healthz%00x HTTP/1.1\r\n$host\r\n", [404]],
	['another path', "GET /healthz/ HTTP/1.1\r\n$host\r\n", [404]],
	['a query that is none', "GET /healthz?%zz HTTP/1.1\r\n$host\r\n", [400]],
	['a field twice', "GET /healthz?a=1&a=2 HTTP/1.1\r\n$host\r\n", [400]],
	['many fields', 'GET /healthz?' . join('&', map { "a$_=1" } 1 .. 50) . " HTTP/1.1\r\n$host\r\n", [400]],
	['HTTP/0.9', "GET /healthz\r\n", [0, 200, 400, 404]],
	['HTTP/9.9', "GET /healthz HTTP/9.9\r\n$host\r\n", [0, 200, 400, 505]],
	['header injection', "GET /healthz?lang=%0d%0aX-Bad:1 HTTP/1.1\r\n$host\r\n", [200]],
	['a folded header', "GET /healthz HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n", [200, 400]],
	['pipelined', "GET /healthz HTTP/1.1\r\n$host\r\n" x 50, [200]],
);
my @table;
for my $case (@hostile) {
	my ($what, $bytes, $wanted) = @$case;
	my $answer = $house->raw($bytes, seconds => 15);
	ok(scalar(grep { $_ == $answer->{status} } @$wanted), "$what: $answer->{status}") or diag $answer->{raw};
	my $n = () = $answer->{raw} =~ m{^HTTP/1\.1 }mg;
	# libmicrohttpd 0.9.75 sends the head of an error that it finds by itself twice.
	cmp_ok($n, '<=', $answer->{head} =~ /^Cache-Control:/m ? 1 : 2, '... one answer a connection');
	unlike($answer->{head}, qr/^X-Bad/m, '... and no header of theirs');
	push @table, sprintf '%-28s %s', $what, $answer->{status} || 'closed';
	last if !is_running($pid);
}
note join "\n", 'what was sent                answer', @table;
ok(is_running($pid), 'it still runs');
is($house->get('/healthz')->{status}, 200, 'and answers');

# --- slow ones and many ----------------------------------------------------------------------------
# Slow loris: a byte now and then is not enough to stay.
my @slow = map { $site->connection } 1 .. 20;
my $began = time;
syswrite $_, "GET /nothing HTTP/1.1\r\nHost: x\r\n" for @slow;
local $SIG{PIPE} = 'IGNORE';
wait_until('slow connections to be cut', sub {
	my @still;
	for my $socket (@slow) {
		push @still, $socket if defined syswrite $socket, 'X';
	}
	@slow = @still;
	!@slow;
}, 60);
my $took = time - $began;
cmp_ok($took, '<', 120, sprintf 'twenty slow connections are gone after %.0f s', $took);
my @many = grep { defined } map { $site->connection } 1 .. 300;
is($house->get('/healthz')->{status}, 200, 'three hundred idle connections to one site do not touch the other');
close $_ for @many;
wait_until('room again', sub { $site->get('/nothing')->{status} == 404 }, 30);
pass('the site is back when they are gone');
my $fd = () = glob "/proc/$pid/fd/*";
cmp_ok($fd, '<', 40, "no descriptor is left behind ($fd)");

# --- the database comes and goes -------------------------------------------------------------------
$db->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'luukku-web'");
wait_until('ready again', sub { $house->get('/readyz')->{status} == 200 }, 40);
pass('a lost connection is made again');
is($house->get('/healthz')->{status}, 200, 'healthz asks no database');

# --- what it is able to do -------------------------------------------------------------------------
my $status = slurp("/proc/$pid/status");
like($status, qr/^NoNewPrivs:\s*1$/m, 'no new privileges');
like($status, qr/^Seccomp:\s*2$/m, 'a seccomp filter');
like($status, qr/^Threads:\s*1$/m, 'one thread');
unlike(slurp("$dir/log"), qr/$key/, 'no key in the log');
unlike(slurp("$dir/log"), qr/salaisuus/, 'no board token in the log');

my $started = time;
stop_pid($pid, 20);
cmp_ok(time - $started, '<', 60, 'it does not wait for its clients');
like(slurp("$dir/log"), qr/web\.listening.*site=public/, 'the log says where it listened');

# Without anything to serve it says so.
my $text = slurp("$dir/luukku.conf");
spew("$dir/luukku.conf", $text =~ s/^web:.*?\};\n//msr, 0600);
my $none = run([program('luukku-web'), '-c', "$dir/luukku.conf"]);
is($none->{status}, 78, 'nothing to serve is an error of the configuration');
like($none->{err}, qr/neither web\.listen nor web\.internal/, 'that says so');

done_testing;
