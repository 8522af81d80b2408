#!/usr/bin/perl
# The board on a bad morning: who may see it, what it shows and what it does not, and that everybody can
# use it: by keyboard, at 320 pixels, in the dark, with axe-core.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Encode qw(encode decode);
use Luukku::Test::Axe;
use Luukku::Test::BadDay;
use Luukku::Test::Base;
use Luukku::Test::Browser;
use Luukku::Test::Http qw(header);
use Luukku::Test::Proc qw(spawn stop_pid free_port unprivileged_ids);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $port = free_port();
my $day = Luukku::Test::BadDay->start(extra => qq{web: { internal = "127.0.0.1:$port"; board_token_file = "board.token"; };\n});
my $dir = $day->desk->dir;
for my $hour (6 .. 9) {
	$day->at("2026-08-10 0$hour:10");
	$day->intake(map { Luukku::Test::BadDay::customer("aamu$hour$_", "Aamun asia $hour $_") } 1 .. $hour - 4);
}
$day->agent('dan', "aamu6$_", 'Kunnossa.', 'take', 'resolve') for 1 .. 2;
$day->db->sql("UPDATE mailbox SET error = 'the client secret expired', error_at = '2026-08-10T05:00:00Z' WHERE name = 'hr'");
spew("$dir/board.token", "wall secret 1\n", 0600);
chown((unprivileged_ids())[0, 1], "$dir/board.token");
my $log = "$dir/web.log";
my $pid = spawn(command => [program('luukku-web'), '-c', $day->desk->conf], log => $log, env => { LUUKKU_NOW => '2026-08-10T06:15:00Z' });
wait_until(sub { -e $log && slurp($log) =~ /site=internal/ }, 30, 'luukku-web to listen');
my $house = Luukku::Test::Http->new(port => $port);

# --- who may see it, and what -----------------------------------------------------------------------------
is($house->get('/board')->{status}, 401, 'nobody without the token');
is($house->get('/board?token=wrong')->{status}, 401, 'nor with a wrong one');
my $answer = $house->get('/board', header => ['Authorization: Bearer wall secret 1']);
is($answer->{status}, 200, 'with it as a bearer');
is($house->get('/board?token=wall%20secret%201')->{status}, 200, 'or in the address');
is(header($answer, 'Refresh'), '30', 'it shows itself anew');
like(header($answer, 'Content-Security-Policy'), qr/^default-src 'none'; style-src(?: 'sha256-[^']+')+; /, 'and runs nothing');
is($house->post('/board?token=wall%20secret%201', { x => 1 })->{status}, 405, 'it is read-only');
my $html = $answer->{body};
like($html, qr{<h3 id="queue-ict">ICT-tuki</h3>.*?avoinna</dt><dd>20<.*?ilman vastuuhenkilöä</dt><dd class="bad">1<.*?ylitetty</dt><dd class="bad">4<}s,
	'a queue with its counts');
like($html, qr{<b>1</b> karanteenissa}, 'the quarantine');
like($html, qr{<li class="bad"><b>hr: ei toimi</b>}, 'a mailbox in trouble');
unlike($html, qr/TUKI-|KATKO|Tulostin|\w\@\w|Maija|Aino|Bo Berg|expired/, 'no reference, no word, no name, no address');
unlike($html, qr/<script|style="|https?:/, 'no script, no style of its own, nothing from elsewhere');
like($house->get('/board?lang=sv&token=wall%20secret%201')->{body}, qr/<html lang="sv">.*ICT-stödet/s, 'in Swedish');
like($house->get('/board?lang=en&token=wall%20secret%201')->{body}, qr/<html lang="en">.*urgent without an owner/s, 'in English');
my $still = $house->get('/board?still=1&token=wall%20secret%201');
is(header($still, 'Refresh'), undef, 'who reads slowly can stop it');
like($still->{body}, qr/href="board\?lang=fi&amp;token=wall%20secret%201"/, 'and let it go on');

# --- for everybody ------------------------------------------------------------------------------------------
my $browser = Luukku::Test::Browser->start;
my $out = $ENV{LUUKKU_TEST_PICTURES} // temp_dir();
for my $how (['wall', 1920, 1080, 1], ['desk', 1024, 768, 0], ['phone', 320, 640, 0], ['phone-dark', 320, 640, 1]) {
	my ($name, $width, $height, $dark) = @$how;
	for my $lang ($name eq 'desk' ? qw(fi sv en) : 'fi') {
		my $page = $browser->page(width => $width, height => $height, dark => $dark);
		$page->open_served("http://127.0.0.1:$port/board?lang=$lang&token=wall%20secret%201");
		is($page->eval('document.documentElement.scrollWidth - window.innerWidth') + 0, 0, "$name, $lang: nothing is cut off");
		is_deeply([$page->problems], [], '... and nothing is refused');
		is_deeply([Luukku::Test::Axe::violations($page)], [], '... axe-core finds nothing');
		$page->screenshot("$out/board-$name-$lang.png", full => 1);
		note("picture: $out/board-$name-$lang.png");
		$page->close;
	}
}
{
	my $page = $browser->page(width => 1024, height => 768);
	$page->open_served("http://127.0.0.1:$port/board?lang=fi&token=wall%20secret%201");
	$page->press('Tab');
	is($page->eval('document.activeElement.tagName'), 'SUMMARY', 'the keyboard comes to the figures');
	$page->press('Enter');
	$page->wait('document.querySelector("details").open');
	$page->press('Tab');
	is($page->eval('document.activeElement.textContent'), 'Pysäytä päivittyminen', '... and to the link that stops it');
	$page->press('Enter');
	$page->wait('document.body && document.body.textContent.includes("Sivu ei päivity itsestään")');
	pass('which works');
	$page->close;
}
# A report as a page, by the same rules.
my $report = $day->desk->ctl('report', 'queues', '--from', '2026-07-01', '--to', '2026-08-31', '--by', 'type', '--format', 'html');
is($report->{status}, 0, 'a report as HTML') or diag $report->{err};
for my $view ([1024, 0], [1024, 1], [320, 0], [320, 1]) {
	my ($width, $dark) = @$view;
	my $page = $browser->page(width => $width, height => 800, dark => $dark);
	my $name = "a report at $width pixels, " . ($dark ? 'dark' : 'light');
	$page->contents($report->{out});
	is_deeply([Luukku::Test::Axe::violations($page)], [], "$name: axe-core finds nothing");
	is($page->eval('document.documentElement.scrollWidth <= window.innerWidth'), 1, '... the page keeps to its width');
	$page->close;
}
$browser->stop;

# --- the database goes away ---------------------------------------------------------------------------------
$day->db->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'luukku-web%'");
my $again = wait_until(sub { my $a = $house->get('/board?token=wall%20secret%201'); $a->{status} == 200 && $a }, 30, 'the board to come back');
is($again->{status}, 200, 'it gets over a lost connection');
stop_pid($pid);

# --- days of 23 and 25 hours ----------------------------------------------------------------------------------
my ($some) = $day->db->sql('SELECT min(id) FROM ticket');
for my $case (['2026-03-29', '2026-03-29 10:30+03'], ['2026-10-25', '2026-10-25 10:30+02'], ['2026-08-10', '2026-08-10 10:30+03']) {
	my ($date, $at) = @$case;
	$day->db->sql("UPDATE ticket SET opened_at = '$at' WHERE id = $some->[0]");
	unlink $log;
	$pid = spawn(command => [program('luukku-web'), '-c', $day->desk->conf], log => $log, env => { LUUKKU_NOW => "${date}T20:30:00Z" });
	wait_until(sub { -e $log && slurp($log) =~ /site=internal/ }, 30, 'luukku-web to listen');
	like($house->get('/board?lang=fi&token=wall%20secret%201')->{body}, qr{<tr><th scope="row">10</th><td>\d+</td>}, "$date: half past ten is at ten");
	stop_pid($pid);
}
done_testing;
