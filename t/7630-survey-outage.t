#!/usr/bin/perl
# The database goes away while somebody answers the survey: what can be tried again is, and where that does
# not help, nothing that was written is lost.

use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::Survey;
use Luukku::Test::Web;
use Test::More;

begin();
my $name = $db->sql('SELECT current_database()');
my @tokens;
for my $n (1, 2) {
	my $ref = ask('ict', from => "Maija <maija$n\@asiakas.example>", subject => "Tulostin $n ei toimi");
	do_ticket($ref, 'resolve');
	later($hour);
	work();
	push @tokens, [$ref, Luukku::Test::Web::token(mail_to("maija$n\@asiakas.example", $ref) // '')];
}
my $web = Luukku::Test::Web->start(desk => $desk, %port, now => iso($clock));
sub end_connections {
	return scalar $db->sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = '$name' AND application_name = 'luukku-web'");
}
# The fields of the form that the page offers, as a browser would send them.
sub fields_of {
	my ($html) = @_;
	my %field;
	while ($html =~ /<input type="hidden" name="(\w+)" value="([^"]*)">/g) {
		my ($key, $value) = ($1, $2);
		$value =~ s/&(lt|gt|quot|amp);/{ lt => '<', gt => '>', quot => '"', amp => '&' }->{$1}/ge;
		$field{$key} = $value;
	}
	return \%field;
}

# --- a connection that ended while nobody asked ----------------------------------------------------------
my ($ref, $token) = @{ $tokens[0] };
is($web->public->get("/s/$token")->{status}, 200, 'the page');
cmp_ok(end_connections(), '>=', 1, 'PostgreSQL was started anew');
is($web->public->get("/s/$token")->{status}, 200, 'the next page does not fail');
cmp_ok(end_connections(), '>=', 1, 'and again');
is($web->public->post("/s/$token", { in_order => 'yes', score => 9, comment => 'Hyvin meni' })->{status}, 200, 'nor does the next answer');
is(answer_of($ref), 'score | 9 | Hyvin meni | page', 'which is kept');

# --- an outage -------------------------------------------------------------------------------------------
($ref, $token) = @{ $tokens[1] };
$db->sql("ALTER DATABASE \"$name\" CONNECTION LIMIT 0");
end_connections();
my $words = qq{Tulostin <4B> on "rikki" & jumissa\r\nTerveisin Maija};
my $away = $web->public->post("/s/$token", { in_order => 'yes', score => 0, comment => $words, lang => 'sv' });
is($away->{status}, 503, 'an answer while the database is away');
like($away->{head}, qr/^Retry-After: \d+\r?$/mi, 'says when to try again');
like($away->{body}, qr/<html lang="sv">.*sparades inte/s, 'and that nothing was saved, in the language of the form');
like($away->{body}, qr{<form method="post".*<button type="submit">}s, 'with a button that sends it once more');
is_deeply(fields_of($away->{body}), { in_order => 'yes', score => '0', comment => $words =~ s/\r//r, lang => 'sv' }, 'all that was written');
unlike($web->public->get("/s/$token")->{body}, qr/<form/, 'who wrote nothing has nothing to send again');
$db->sql("ALTER DATABASE \"$name\" CONNECTION LIMIT -1");
my $done = wait_until('the answer to be taken', sub {
	my $answer = $web->public->post("/s/$token", fields_of($away->{body}));
	return $answer->{status} == 200 ? $answer : undef;
}, 20);
like($done->{body}, qr/Vi har öppnat ärendet igen/, 'the button sends it once more');
is(answer_of($ref), "low | - | Tulostin <4B> on \"rikki\" & jumissa\nTerveisin Maija | page", 'and it is kept as it was written');

# --- back by itself --------------------------------------------------------------------------------------
$db->sql("ALTER DATABASE \"$name\" CONNECTION LIMIT 0");
end_connections();
is($web->internal->get('/readyz')->{status}, 503, 'away again');
$db->sql("ALTER DATABASE \"$name\" CONNECTION LIMIT -1");
wait_until('luukku-web to be back without being asked',
	sub { scalar $db->sql("SELECT count(*) FROM pg_stat_activity WHERE datname = '$name' AND application_name = 'luukku-web'") }, 20);
is($web->public->get("/s/$token")->{status}, 200, 'nobody had to ask first');

$web->stop;
done_testing;
